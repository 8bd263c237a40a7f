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

popularities as (

    select
        model_version,
        output as item_id,
        value as score

    from weights
    where output not in (select blocked.item_id from blocked)

),

ranked as (

    select
        popularities.*,
        row_number() over (order by popularities.score desc, popularities.item_id desc) as rank

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
