with

examples as (

    select * from {{ ref('recommendation_examples') }}

)

select * from examples
