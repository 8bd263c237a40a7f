with

examples as (

    select * from {{ ref('lifetime_value_examples') }}

)

select * from examples
