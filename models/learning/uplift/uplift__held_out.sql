with

examples as (

    select * exclude (customer_id, is_treated, propensity)
    from {{ ref('uplift_examples') }}
    where not is_treated

)

select * from examples
