{# Which categories a customer turns to: search_items() puts them a little higher. #}

with

interactions as (

    select
        customer_id,
        item_id

    from {{ ref('int_known_interactions') }}
    where interaction_type in ('click', 'add_to_cart', 'purchase') and customer_id is not null

),

items as (

    select
        item_id,
        category

    from {{ ref('int_items') }}
    where category is not null

),

counted as (

    select
        interactions.customer_id,
        items.category,
        count(*) as interaction_count

    from interactions
    inner join items on interactions.item_id = items.item_id
    group by interactions.customer_id, items.category

),

tastes as (

    select
        customer_id,
        category,
        interaction_count / sum(interaction_count) over (partition by customer_id) as share

    from counted

)

select * from tastes
