with

snapshots as (

    select * from {{ ref('query_item_snapshots') }}
    where is_current

),

scored as (

    {{ scored('ranking__popularity', ['query', 'item_id']) }}

)

select * from scored
