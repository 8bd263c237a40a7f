with

examples as (

    select * from {{ ref('ranking_examples') }}

)

select * from examples
