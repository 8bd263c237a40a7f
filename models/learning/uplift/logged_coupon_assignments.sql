{# Exposures of an experiment whose name contains `coupon`, and whose control is known. #}

with

decisions as (

    select * from {{ ref('int_decisions') }}
    where contains(lower(experiment), 'coupon')

),

arms as (

    select * from {{ ref('int_experiment_arms') }}

),

assignments as (

    select
        decisions.decision_id as assignment_id,
        decisions.customer_id,
        decisions.occurred_at as assigned_at,
        not arms.is_control as is_treated,
        case when arms.is_control then 1 - decisions.propensity else decisions.propensity end as propensity

    from decisions
    inner join arms on decisions.experiment = arms.experiment and decisions.variant = arms.variant
    {# without a rival nobody is compared #}
    where decisions.propensity < 1 and arms.is_control_known

)

select * from assignments
