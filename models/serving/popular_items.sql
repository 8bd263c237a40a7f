{%- set last_decimal = '1e' ~ var('recommendation_decimals') %}

with

popularities as (

    select * from {{ ref('item_popularities__popular') }}

),

candidates as (

    select
        item_id,
        category,
        popularity as score

    from popularities

),

listed as (

    {{ best_items('candidates') }}

),

versions as (

    select distinct model_version from popularities

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
