with

snapshots as (

    select * from {{ ref('query_item_snapshots') }}
    where is_current

),

scored as (

    select
        query,
        item_id,
        {{ score('ranking__pairwise') }} as score,
        'item_ranking__pairwise' as implementation,
        {{ model_version('ranking__pairwise') }} as model_version,
        as_of,
        {{ built_at() }} as scored_at,
        {{ reasons('ranking__pairwise') }} as reasons

    from snapshots

),

usable as (

    select * from scored
    where score is not null

)

select * from usable
