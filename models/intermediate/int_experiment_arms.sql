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

experiment_arms as (

    select
        arms.experiment,
        arms.variant,
        row_number() over (
            partition by arms.experiment
            order by arms.is_declared_control desc, lower(arms.variant) = 'control' desc, arms.variant
        ) = 1 as is_control,
        arms.is_enabled,
        count(*) filter (where arms.is_enabled) over (partition by arms.experiment) as enabled_count,
        row_number() over (partition by arms.experiment, arms.is_enabled order by arms.variant) as place

    from arms
    inner join experiments on arms.experiment = experiments.experiment

)

select * from experiment_arms
