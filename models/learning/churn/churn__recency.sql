with

examples as (

    select * from {{ ref('churn_examples') }}

)

select * from examples
