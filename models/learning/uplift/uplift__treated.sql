with

examples as (

    select * from {{ ref('uplift_examples') }}
    where is_treated

)

select * from examples
