with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

scored as (

    {{ scored('churn__boosted', ['customer_id']) }}

)

select * from scored
