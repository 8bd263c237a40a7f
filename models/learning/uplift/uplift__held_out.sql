with

examples as (

    select * exclude (is_treated, propensity)
    from {{ ref('uplift_examples') }}
    where not is_treated

)

select * from examples
