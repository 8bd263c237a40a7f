with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

scored as (

    {{ scored('churn__recency', ['customer_id']) }}

)

select * from scored
