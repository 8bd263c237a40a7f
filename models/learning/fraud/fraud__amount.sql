with

examples as (

    select * from {{ ref('fraud_examples') }}

)

select * from examples
