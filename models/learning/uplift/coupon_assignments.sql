{#
    Who was to get the coupon and who was held out, and what they bought afterwards. Where the interactions show it (exposures
    of an experiment whose name contains `coupon`), that holds. Where they only show redeemed coupons, the policy in force is
    applied to every as-of time from the first redemption on, if it ranks by risk: the hold-out is a stable hash, so it is known
    for ever.
#}

with

interactions as (

    select * from {{ ref('int_known_interactions') }}

),

purchases as (

    select
        customer_id,
        occurred_at,
        interaction_type = 'purchase' as is_purchase,
        cast(case when interaction_type = 'purchase' then amount else -amount end as decimal(38, 6)) as amount

    from interactions
    where interaction_type in ('purchase', 'cancel', 'refund')

),

decisions as (

    select * from {{ ref('int_decisions') }}
    where contains(lower(experiment), 'coupon')

),

arms as (

    select * from {{ ref('int_experiment_arms') }}

),

logged as (

    select
        decisions.decision_id as assignment_id,
        decisions.customer_id,
        decisions.occurred_at as assigned_at,
        not arms.is_control as is_treated,
        case when arms.is_control then 1 - decisions.propensity else decisions.propensity end as propensity,
        'logged' as basis

    from decisions
    inner join arms on decisions.experiment = arms.experiment and decisions.variant = arms.variant
    {# without a rival nobody is compared #}
    where decisions.propensity < 1

),

first_redemption as (

    select min(occurred_at) as first_at
    from interactions
    where interaction_type = 'coupon_redeemed' and not exists (select 1 from logged)

),

snapshots as (

    select customer_snapshots.*

    from {{ ref('customer_snapshots') }} as customer_snapshots
    inner join first_redemption on customer_snapshots.as_of >= date_trunc('month', first_redemption.first_at)
    where not customer_snapshots.is_current

),

policy as (

    select * from {{ ref('coupon_policy') }}
    where policy = 'default'

),

scored as (

    select
        snapshots.customer_id,
        snapshots.as_of,
        snapshots.net_amount,
        {{ score('churn__logistic') }} as score

    from snapshots

),

eligible as (

    select
        scored.customer_id,
        scored.as_of,
        {{ function('stable_share') }}(scored.customer_id, 'coupon_holdout') >= policy.holdout_share as is_treated,
        policy.holdout_share,
        policy.budget,
        policy.coupon_cost,
        sum(
            case
                when {{ function('stable_share') }}(scored.customer_id, 'coupon_holdout') < policy.holdout_share then 0
                else policy.coupon_cost
            end
        ) over (
            partition by scored.as_of
            order by scored.score * scored.net_amount desc, scored.customer_id asc
            rows between unbounded preceding and current row
        ) as spent_so_far

    from scored
    cross join policy
    where
        policy.rank_by = 'risk' {# who was moved by a coupon is not known before its effect is #}
        and scored.score >= policy.minimum_score
        and scored.net_amount >= policy.minimum_value

),

recomputed as (

    select
        concat_ws('@', customer_id, cast(cast(as_of as date) as varchar)) as assignment_id,
        customer_id,
        as_of as assigned_at,
        is_treated,
        1 - holdout_share as propensity,
        'recomputed' as basis

    from eligible
    where spent_so_far <= budget and holdout_share > 0 and holdout_share < 1

),

assigned as (

    select * from logged
    union all
    select * from recomputed

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
