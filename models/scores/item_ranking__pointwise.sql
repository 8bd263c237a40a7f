with

snapshots as (

    select * from {{ ref('query_item_snapshots') }}
    where is_current

),

scored as (

    {{ scored('ranking__pointwise', ['query', 'item_id']) }}

)

select * from scored
