{%- set last_decimal = '1e' ~ var('recommendation_decimals') %}

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
        cast(round(weights.value * {{ last_decimal }}) as bigint) as score

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
        cast(listed.score as double) / {{ last_decimal }} as score,
        'recommendation__popular' as implementation,
        versions.model_version,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from listed
    cross join versions

)

select * from popular_items
