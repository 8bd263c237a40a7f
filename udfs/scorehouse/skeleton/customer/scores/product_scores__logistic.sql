with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

scored as (

    {{ scored('${product}__logistic', ['customer_id']) }}

)

select * from scored
