{#
    Who was to get the coupon and who was held out, and what they bought afterwards. Where the interactions show it, that holds.
    Where they only show redeemed coupons, the policy in force is applied to every as-of time from the first redemption on, if it
    ranks by risk (who was moved by a coupon is not known before its effect is): the hold-out is a stable hash, so it is known for
    ever. Outcomes are counted over as many days after every assignment: the horizon, or what has passed since the middle assignment,
    so that at least half of them count in a young experiment too.
#}

with

purchases as (

    select
        customer_id,
        occurred_at,
        interaction_type = 'purchase' as is_purchase,
        cast(case when interaction_type = 'purchase' then amount else -amount end as decimal(38, 6)) as amount

    from {{ ref('int_known_interactions') }}
    where interaction_type in ('purchase', 'cancel', 'refund')

),

logged as (

    select * from {{ ref('logged_coupon_assignments') }}

),

candidates as (

    select
        customer_id,
        as_of,
        score,
        cast(null as double) as uplift,
        net_amount as customer_value

    from {{ ref('past_churn_risks') }}

),

decided as (

    {{ coupon_decisions('candidates', within=['as_of']) }}

),

recomputed as (

    select
        concat_ws('@', customer_id, cast(cast(as_of as date) as varchar)) as assignment_id,
        customer_id,
        as_of as assigned_at,
        not is_held_out as is_treated,
        1 - holdout_share as propensity

    from decided
    where is_eligible and is_within_budget and holdout_share > 0 and holdout_share < 1

),

assigned as (

    select
        *,
        'logged' as basis
    from logged
    union all by name
    select
        *,
        'recomputed' as basis
    from recomputed

),

windows as (

    select
        least(
            {{ var('churn_horizon_days') }},
            greatest(date_sub('day', quantile_disc(assigned_at, 0.5), {{ as_of() }}), 0)
        ) as outcome_days

    from assigned

),

waited as (

    select
        assigned.*,
        windows.outcome_days,
        assigned.assigned_at + to_days(cast(windows.outcome_days as integer)) as outcome_at,
        windows.outcome_days > 0 and outcome_at <= {{ as_of() }} as is_matured

    from assigned
    cross join windows

),

outcomes as (

    select
        waited.assignment_id,
        bool_or(purchases.is_purchase) as has_purchased,
        cast(sum(purchases.amount) as double) as amount

    from waited
    inner join purchases
        on
            waited.customer_id = purchases.customer_id
            and waited.assigned_at <= purchases.occurred_at
            and waited.outcome_at > purchases.occurred_at
    group by waited.assignment_id

),

assignments as (

    select
        waited.assignment_id,
        waited.customer_id,
        waited.basis,
        waited.propensity,
        cast(coalesce(outcomes.has_purchased, false) as integer) as has_purchased,
        coalesce(outcomes.amount, 0) as amount,
        waited.outcome_days,
        waited.is_treated,
        waited.is_matured,
        2 * rank() over (
            partition by waited.is_matured
            order by waited.assigned_at, {{ function('stable_share') }}(waited.assignment_id, 'half'), waited.assignment_id
        ) > count(*) over (partition by waited.is_matured) as is_later_half,
        waited.assigned_at

    from waited
    left join outcomes on waited.assignment_id = outcomes.assignment_id

)

select * from assignments
