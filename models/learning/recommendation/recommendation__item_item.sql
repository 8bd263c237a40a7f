with

examples as (

    select * from {{ ref('customer_item_days') }}

)

select * from examples
