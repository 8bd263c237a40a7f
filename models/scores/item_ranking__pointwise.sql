with

snapshots as (

    select * from {{ ref('query_item_snapshots') }}
    where is_current

),

scored as (

    select
        query,
        item_id,
        {{ score('ranking__pointwise') }} as score,
        'item_ranking__pointwise' as implementation,
        {{ model_version('ranking__pointwise') }} as model_version,
        as_of,
        {{ built_at() }} as scored_at,
        {{ reasons('ranking__pointwise') }} as reasons

    from snapshots

),

usable as (

    select * from scored
    where score is not null

)

select * from usable
