with

rules as (

    select * from {{ ref('fraud_rules') }}

)

select * from rules
