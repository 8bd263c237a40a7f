with

weights as (

    {{ item_popularities('recommendation__popular') }}

),

items as (

    select
        item_id,
        category

    from {{ ref('int_items') }}

),

candidates as (

    select
        weights.item_id,
        items.category,
        weights.value as score

    from weights
    left join items on weights.item_id = items.item_id

),

listed as (

    {{ best_items('candidates') }}

),

versions as (

    select distinct model_version from weights

),

popular_items as (

    select
        cast(listed.rank as integer) as rank,
        listed.item_id,
        listed.score,
        'recommendation__popular' as implementation,
        versions.model_version,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from listed
    cross join versions

)

select * from popular_items
