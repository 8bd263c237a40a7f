{#
    Means are weighted by inverse propensity (Hajek); standard errors by customer, so that one who was assigned twice counts
    once. With equal propensities and one assignment each these are the difference of means and Welch's standard error.
#}

with

assignments as (

    select * from {{ ref('coupon_assignments') }}

),

policy as (

    select * from {{ ref('coupon_policy') }}
    where policy = 'default'

),

measured as (

    select
        outcomes.outcome,
        assignments.assignment_id,
        assignments.customer_id,
        assignments.basis,
        assignments.outcome_days,
        assignments.is_treated,
        1 / case when assignments.is_treated then assignments.propensity else 1 - assignments.propensity end as weight,
        case outcomes.outcome
            when 'purchase' then assignments.has_purchased
            when 'amount' then assignments.amount
            else assignments.amount - case when assignments.is_treated then policy.coupon_cost else 0 end
        end as value

    from assignments
    cross join (values ('purchase'), ('amount'), ('net_amount')) as outcomes (outcome)
    cross join policy
    where assignments.is_matured

),

waiting as (

    select count(*) as waiting_count from assignments
    where not is_matured

),

arm_means as (

    select
        outcome,
        is_treated,
        any_value(basis) as basis,
        any_value(outcome_days) as outcome_days,
        count(*) as assignment_count,
        count(distinct customer_id) as customer_count,
        sum(weight * value order by assignment_id) / sum(weight order by assignment_id) as mean,
        sum(weight order by assignment_id) as weight

    from measured
    group by outcome, is_treated

),

customer_deviations as (

    select
        measured.outcome,
        measured.is_treated,
        measured.customer_id,
        sum(measured.weight * (measured.value - arm_means.mean) order by measured.assignment_id) as deviation

    from measured
    inner join arm_means on measured.outcome = arm_means.outcome and measured.is_treated = arm_means.is_treated
    group by measured.outcome, measured.is_treated, measured.customer_id

),

arm_variances as (

    select
        customer_deviations.outcome,
        customer_deviations.is_treated,
        sum(customer_deviations.deviation * customer_deviations.deviation order by customer_deviations.customer_id)
        / (any_value(arm_means.weight) * any_value(arm_means.weight))
        * any_value(arm_means.customer_count) / nullif(any_value(arm_means.customer_count) - 1, 0) as variance

    from customer_deviations
    inner join arm_means
        on customer_deviations.outcome = arm_means.outcome and customer_deviations.is_treated = arm_means.is_treated
    group by customer_deviations.outcome, customer_deviations.is_treated

),

compared as (

    select
        treated.outcome,
        treated.basis,
        treated.outcome_days,
        treated.assignment_count as treated_count,
        held_out.assignment_count as held_out_count,
        treated.mean as treated_mean,
        held_out.mean as held_out_mean,
        treated.mean - held_out.mean as effect,
        sqrt(treated_variance.variance + held_out_variance.variance) as standard_error

    from arm_means as treated
    inner join arm_means as held_out
        on treated.outcome = held_out.outcome and treated.is_treated and not held_out.is_treated
    inner join arm_variances as treated_variance
        on treated.outcome = treated_variance.outcome and treated_variance.is_treated
    inner join arm_variances as held_out_variance
        on held_out.outcome = held_out_variance.outcome and not held_out_variance.is_treated

),

effects as (

    select
        compared.outcome,
        compared.basis,
        compared.outcome_days,
        compared.treated_count,
        compared.held_out_count,
        waiting.waiting_count,
        compared.treated_mean,
        compared.held_out_mean,
        compared.effect,
        compared.standard_error,
        {{ normal_bounds('effect', 'standard_error') }},
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from compared
    cross join waiting

)

select * from effects
