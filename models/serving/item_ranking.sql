{# The best items of every query that was searched for before. #}

with

routed as (

    {{ routed('item_ranking', ['item_ranking__pointwise', 'item_ranking__pairwise', 'item_ranking__popularity'], 'query') }}

),

ranked as (

    select
        query,
        item_id,
        row_number() over (
            partition by query
            order by score desc, item_id asc
        ) as rank,
        score,
        reasons,
        implementation,
        model_version,
        as_of,
        scored_at

    from routed
    where item_id not in (select blocked_items.item_id from {{ ref('blocked_items') }} as blocked_items)

),

best as (

    select * from ranked
    where rank <= {{ var('ranked_items') }}

),

snapshots as (

    select * from {{ ref('query_item_snapshots') }}
    where is_current

),

item_ranking as (

    select
        best.query,
        best.item_id,
        best.rank,
        best.score,
        best.reasons,
        {{ reason_text('query_item_snapshots') }} as reason_text,
        best.implementation,
        best.model_version,
        best.as_of,
        best.scored_at

    from best
    left join snapshots on best.query = snapshots.query and best.item_id = snapshots.item_id

)

select * from item_ranking
