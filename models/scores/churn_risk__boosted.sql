with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

scored as (

    {{ scored('churn__boosted', ['customer_id']) }}

)

select * from scored
