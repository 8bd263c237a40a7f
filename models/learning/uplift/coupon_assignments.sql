{#
    Who was to get the coupon and who was held out, and what they bought afterwards. Where the interactions show it, that holds.
    Where they only show redeemed coupons, the policy in force is applied to every as-of time from the first redemption on, if it
    ranks by risk (who was moved by a coupon is not known before its effect is): the hold-out is a stable hash, so it is known for
    ever.
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

outcomes as (

    select
        assigned.assignment_id,
        bool_or(purchases.is_purchase) as has_purchased,
        cast(sum(purchases.amount) as double) as amount

    from assigned
    inner join purchases
        on
            assigned.customer_id = purchases.customer_id
            and assigned.assigned_at <= purchases.occurred_at
            and purchases.occurred_at < assigned.assigned_at + interval '{{ var("churn_horizon_days") }} days'
    group by assigned.assignment_id

),

assignments as (

    select
        assigned.assignment_id,
        assigned.customer_id,
        assigned.basis,
        assigned.propensity,
        cast(coalesce(outcomes.has_purchased, false) as integer) as has_purchased,
        coalesce(outcomes.amount, 0) as amount,
        assigned.is_treated,
        2 * row_number() over (
            order by assigned.assigned_at, {{ function('stable_share') }}(assigned.assignment_id, 'half'), assigned.assignment_id
        ) > count(*) over () as is_later_half,
        assigned.assigned_at

    from assigned
    left join outcomes on assigned.assignment_id = outcomes.assignment_id

)

select * from assignments
