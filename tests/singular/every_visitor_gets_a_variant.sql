{#
    Every experiment in service has its variant_draws rows, and the propensities of its arms sum to 1. One that holds visitors out, is
    stopped or has no arm in service needs a control: declare one in the seed experiment_arms.
#}

with

choices as (

    select * from {{ ref('variant_choices') }}

),

arms as (

    select
        experiment,
        variant,
        count(*) as row_count,
        max(propensity) as propensity

    from choices
    where variant is not null
    group by experiment, variant

),

experiments as (

    select
        experiment,
        sum(row_count) as row_count,
        sum(propensity) as propensity

    from arms
    group by experiment

)

select * from experiments
where row_count <> {{ var('variant_draws') }} or abs(propensity - 1) > 1e-9
