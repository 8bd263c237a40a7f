with

policy as (

    select * from {{ ref('recommendation_policy') }}
    where policy = 'default'

),

weights as (

    {{ item_similarities('recommendation__item_item') }}

),

pairs as (

    select
        model_version,
        liked_item_id as item_id,
        item_id as similar_item_id,
        value as score

    from weights

),

ranked as (

    select
        pairs.*,
        rank() over (partition by pairs.item_id order by pairs.score desc, pairs.similar_item_id desc) as rank

    from pairs
    cross join policy
    qualify rank <= policy.list_length

),

similar_items as (

    select
        item_id,
        cast(rank as integer) as rank,
        similar_item_id,
        score,
        'recommendation__item_item' as implementation,
        model_version,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from ranked

)

select * from similar_items
