with

examples as (

    select * from {{ ref('uplift_examples') }}
    where not is_treated

)

select * from examples
