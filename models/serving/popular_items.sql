with

policy as (

    select * from {{ ref('recommendation_policy') }}
    where policy = 'default'

),

blocked as (

    select item_id from {{ ref('blocked_items') }}

),

weights as (

    {{ weights_of('recommendation__popular', 'popularity') }}

),

items as (

    select
        item_id,
        category

    from {{ ref('int_items') }}

),

popularities as (

    select
        weights.model_version,
        weights.output as item_id,
        weights.value as score,
        items.category,
        row_number() over (partition by items.category order by weights.value desc, weights.output desc) as category_place

    from weights
    left join items on weights.output = items.item_id
    where weights.output not in (select blocked.item_id from blocked)

),

ranked as (

    select
        popularities.*,
        row_number() over (
            order by
                popularities.category is null or popularities.category_place <= policy.maximum_per_category desc,
                popularities.score desc,
                popularities.item_id desc
        ) as rank

    from popularities
    cross join policy
    qualify rank <= policy.list_length

),

popular_items as (

    select
        cast(rank as integer) as rank,
        item_id,
        score,
        'recommendation__popular' as implementation,
        model_version,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from ranked

)

select * from popular_items
