with

experiments as (

    select * from {{ ref('int_experiments') }}

),

declared as (

    select * from {{ ref('experiment_arms') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

arms as (

    select
        experiment,
        variant,
        coalesce(is_control, false) as is_declared_control,
        coalesce(is_enabled, true) as is_enabled

    from declared
    union all
    select distinct
        experiment,
        variant,
        false as is_declared_control,
        true as is_enabled

    from decisions
    where experiment not in (select declared.experiment from declared)

),

shown as (

    select
        experiment,
        variant,
        min(occurred_at) as first_shown_at

    from decisions
    group by experiment, variant

),

named as (

    select
        arms.*,
        shown.first_shown_at,
        lower(replace(replace(arms.variant, ' ', '_'), '-', '_')) in (
            'control', 'holdout', 'hold_out', 'held_out', 'none', 'no_coupon', 'baseline', 'placebo', 'off'
        ) as is_named_control

    from arms
    left join shown on arms.experiment = shown.experiment and arms.variant = shown.variant

),

experiment_arms as (

    select
        named.experiment,
        named.variant,
        row_number() over (
            partition by named.experiment
            order by
                named.is_declared_control desc,
                named.is_named_control desc,
                {# what was there before its rivals came #}
                named.first_shown_at asc nulls last,
                named.variant asc
        ) = 1 as is_control,
        bool_or(named.is_declared_control or named.is_named_control) over (partition by named.experiment) as is_control_known,
        named.is_enabled,
        count(*) filter (where named.is_enabled) over (partition by named.experiment) as enabled_count,
        row_number() over (partition by named.experiment, named.is_enabled order by named.variant) as place

    from named
    inner join experiments on named.experiment = experiments.experiment

)

select * from experiment_arms
