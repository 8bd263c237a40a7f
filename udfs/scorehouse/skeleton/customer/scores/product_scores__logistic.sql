with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

scored as (

    {{ scored('${product}__logistic', ['customer_id']) }}

)

select * from scored
