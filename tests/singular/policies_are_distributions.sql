{# The probabilities that a policy gives to the arms of a position sum to 1. #}

with

policies as (

    select * from {{ ref('evaluated_policies') }}

),

summed as (

    select
        experiment,
        policy,
        slot,
        sum(probability) as probability

    from policies
    group by experiment, policy, slot

)

select * from summed
where abs(probability - 1) > 1e-6
