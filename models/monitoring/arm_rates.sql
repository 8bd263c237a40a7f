{# Of each day's decisions of an experiment, those for each of its arms. #}

with

decisions as (

    select
        experiment,
        variant,
        date_trunc('day', occurred_at) as period_at

    from {{ ref('int_decisions') }}

),

days as (

    select
        experiment,
        period_at,
        count(*) as row_count

    from decisions
    group by experiment, period_at

),

arms as (

    select distinct
        experiment,
        variant

    from decisions

),

shown as (

    select
        experiment,
        variant,
        period_at,
        count(*) as shown_count

    from decisions
    group by experiment, variant, period_at

),

rates as (

    select
        days.experiment as implementation,
        arms.variant as decision,
        days.period_at,
        false as is_trained_on,
        days.row_count,
        coalesce(shown.shown_count, 0) as decided_count

    from days
    inner join arms on days.experiment = arms.experiment
    left join shown
        on days.experiment = shown.experiment and arms.variant = shown.variant and days.period_at = shown.period_at

)

select * from rates
