with

decisions as (

    select * from {{ ref('int_decisions') }}

),

later_half as (

    select * from decisions
    where is_later_half

),

policies as (

    select * from {{ ref('evaluated_policies') }}

),

contextual_policies as (

    select * from {{ ref('contextual_policies') }}

),

in_context as (

    select * from decisions
    where decision_id in (select contextual_policies.decision_id from contextual_policies)

),

fixed_policies as (

    select * from policies
    where not is_learned

),

learned_policies as (

    select * from policies
    where is_learned

),

logged as (

    select
        experiment,
        'as logged' as policy,
        'mean' as estimator,
        sum(reward order by decision_id) / count(*) as value,
        count(*) as decision_count

    from decisions
    group by experiment

),

on_policy as (

    select
        logged.experiment,
        any_value(logged.policy) as policy,
        any_value(logged.estimator) as estimator,
        any_value(logged.value) as value,
        sqrt(
            sum(pow(decisions.reward - logged.value, 2) order by decisions.decision_id)
            / nullif(any_value(logged.decision_count) - 1, 0) / any_value(logged.decision_count)
        ) as standard_error,
        cast(0 as double) as lead,
        cast(0 as double) as lead_error,
        any_value(logged.decision_count) as decision_count,
        cast(any_value(logged.decision_count) as double) as effective_count,
        cast(1 as double) as mean_weight,
        cast(1 as double) as maximum_weight,
        cast(1 as double) as supported_share

    from logged
    inner join decisions on logged.experiment = decisions.experiment
    group by logged.experiment

),

estimated as (

    select
        *,
        'all' as sample
    from on_policy
    union all by name
    select
        *,
        'all' as sample
    from {{ off_policy_values('decisions', 'fixed_policies', on=['slot']) }} as of_fixed
    union all by name
    select
        *,
        'later_half' as sample
    from {{ off_policy_values('later_half', 'learned_policies', on=['slot']) }} as of_learned
    union all by name
    select
        *,
        'later_half' as sample
    from {{ off_policy_values('in_context', 'contextual_policies', on=['decision_id']) }} as of_contextual

),

policy_values as (

    select
        experiment,
        policy,
        estimator,
        value,
        standard_error,
        {{ normal_bounds('value', 'standard_error') }},
        lead,
        lead_error,
        decision_count,
        effective_count,
        mean_weight,
        maximum_weight,
        supported_share,
        sample,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from estimated

)

select * from policy_values
