{#
    Policies to evaluate off-line. What was learned from the earlier half of a log is evaluated on the later half; what was
    not learned from the log, on all of it.
#}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

arms as (

    select * from {{ ref('int_experiment_arms') }}
    where is_enabled

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

draws as (

    select * from {{ ref('bandit_draws') }}
    where sample = 'earlier_half'

),

declared as (

    select * from {{ ref('candidate_policies') }}

),

slots as (

    select distinct
        experiment,
        slot

    from decisions

),

everywhere as (

    select
        experiment,
        'uniform' as policy,
        variant,
        1 / enabled_count as probability

    from arms
    union all
    select
        experiment,
        'always ' || variant as policy,
        variant,
        1 as probability

    from arms
    {# with more arms a policy for each is more than anybody reads #}
    where enabled_count <= {{ var('maximum_single_arms') }}
    union all
    {# a floor for every arm, the rest by the draws, as variant_choices does #}
    select
        arms.experiment,
        'thompson' as policy,
        arms.variant,
        least(any_value(experiments.floor), 1 / any_value(arms.enabled_count))
        + (1 - least(any_value(experiments.floor) * any_value(arms.enabled_count), 1))
        * count(draws.draw) / {{ var('variant_draws') }} as probability

    from arms
    inner join experiments on arms.experiment = experiments.experiment
    left join draws on arms.experiment = draws.experiment and arms.variant = draws.variant
    group by arms.experiment, arms.variant
    union all
    select
        experiment,
        policy,
        variant,
        probability

    from declared
    where slot is null

),

in_slots as (

    select
        everywhere.experiment,
        everywhere.policy,
        slots.slot,
        everywhere.variant,
        everywhere.probability

    from everywhere
    inner join slots on everywhere.experiment = slots.experiment
    union all
    select
        experiment,
        policy,
        slot,
        variant,
        probability

    from declared
    where slot is not null
    union all
    select
        experiments.experiment,
        'as logged in ' || experiments.compared_with as policy,
        decisions.slot,
        decisions.variant,
        count(*) / sum(count(*)) over (partition by experiments.experiment, decisions.slot) as probability

    from experiments
    inner join decisions on experiments.compared_with = decisions.experiment
    group by experiments.experiment, experiments.compared_with, decisions.slot, decisions.variant

),

policies as (

    select
        *,
        policy = 'thompson' as is_learned

    from in_slots

)

select * from policies
