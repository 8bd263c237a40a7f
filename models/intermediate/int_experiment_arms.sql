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

named as (

    select
        *,
        lower(replace(replace(variant, ' ', '_'), '-', '_')) in (
            'control', 'holdout', 'hold_out', 'held_out', 'none', 'no_coupon', 'baseline', 'placebo', 'off'
        ) as is_named_control

    from arms

),

experiment_arms as (

    select
        named.experiment,
        named.variant,
        (named.is_declared_control or named.is_named_control)
        and row_number() over (
            partition by named.experiment
            order by named.is_declared_control desc, named.is_named_control desc, named.variant asc
        ) = 1 as is_control,
        named.is_enabled,
        count(*) filter (where named.is_enabled) over (partition by named.experiment) as enabled_count,
        row_number() over (partition by named.experiment, named.is_enabled order by named.variant) as place

    from named
    inner join experiments on named.experiment = experiments.experiment

)

select * from experiment_arms
