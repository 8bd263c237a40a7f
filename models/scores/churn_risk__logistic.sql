with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

scored as (

    {{ scored('churn__logistic', ['customer_id']) }}

)

select * from scored
