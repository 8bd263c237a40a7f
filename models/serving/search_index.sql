{# What search_items() looks through: every item with a title, its words, and how many customers want it. #}

with

items as (

    select * from {{ ref('int_items') }}
    where trim(title) <> '' and item_id not in (select blocked_items.item_id from {{ ref('blocked_items') }} as blocked_items)

),

interactions as (

    select
        item_id,
        customer_id,
        occurred_at

    from {{ ref('int_known_interactions') }}
    where interaction_type in ('click', 'add_to_cart', 'purchase') and item_id is not null

),

as_of as (

    select as_of from {{ ref('int_as_of_times') }}
    where is_current

),

wanted as (

    select
        interactions.item_id,
        count(distinct interactions.customer_id) as customer_count

    from interactions
    cross join as_of
    where interactions.occurred_at >= as_of.as_of - to_days({{ var('search_window_days') }})
    group by interactions.item_id

),

search_index as (

    select
        items.item_id,
        items.title,
        items.category,
        items.price,
        list_sort(list_distinct(string_split(lower(trim(items.title)), ' '))) as words,
        coalesce(wanted.customer_count, 0) as customer_count,
        percent_rank() over (order by coalesce(wanted.customer_count, 0)) as popularity

    from items
    left join wanted on items.item_id = wanted.item_id

)

select * from search_index
