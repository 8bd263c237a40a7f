with

examples as (

    select * from {{ ref('segment_examples') }}

)

select * from examples
