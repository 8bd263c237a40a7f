{#
    The seed experiments has one row for all experiments without one of their own, numbers that mean something, and comparisons
    with experiments that have a row; no experiment has two controls.
#}

with

experiments as (

    select * from {{ ref('experiments') }}

),

unusable as (

    select experiment from experiments
    where
        experiment is null
        or coalesce(exposure_types, '') = ''
        or coalesce(reward_types, '') = ''
        or coalesce(reward_kind not in ('binary', 'amount'), true)
        or coalesce(attribution_hours < 0, true)
        or coalesce(maturity_hours < 0, true)
        or coalesce(floor not between 0 and 1, true)
        or coalesce(holdout_share not between 0 and 1, true)
        or is_stopped is null
        or coalesce(prior_successes <= 0, true)
        or coalesce(prior_failures <= 0, true)
        or coalesce(ridge_penalty <= 0, true)
        or coalesce(exploration < 0, true)
    union all
    select experiment from experiments
    where compared_with not in (select others.experiment from experiments as others)
    union all
    select experiment from {{ ref('experiment_arms') }}
    group by experiment
    having count(*) filter (where is_control) > 1
    union all
    select 'default' as experiment
    from experiments
    having coalesce(not bool_or(experiments.experiment = 'default'), true)

)

select * from unusable
