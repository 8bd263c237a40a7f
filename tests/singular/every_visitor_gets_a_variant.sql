{# Every experiment in service has its variant_draws rows, and the propensities of its arms sum to 1. #}

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
