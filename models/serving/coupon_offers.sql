{#
    Who gets the coupon: at risk or moved by it (as the policy ranks), worth it, not held out, and within the budget, the largest
    expected loss or gain first.
#}

with

churn_risk as (

    select * from {{ ref('churn_risk') }}

),

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

uplift as (

    select * from {{ ref('coupon_uplift') }}

),

policy as (

    select * from {{ ref('coupon_policy') }}
    where policy = 'default'

),

candidates as (

    select
        churn_risk.customer_id,
        churn_risk.score,
        snapshots.net_amount as customer_value,
        churn_risk.score * snapshots.net_amount as expected_loss,
        uplift.score as uplift,
        uplift.score * snapshots.net_amount as expected_gain,
        policy.rank_by,
        policy.coupon_cost,
        policy.budget,
        snapshots.net_amount >= policy.minimum_value
        and case policy.rank_by
            when 'uplift' then coalesce(uplift.score > 0, false)
            else churn_risk.score >= policy.minimum_score
        end as is_eligible,
        {{ function('stable_share') }}(churn_risk.customer_id, 'coupon_holdout') < policy.holdout_share as is_held_out,
        case policy.rank_by when 'uplift' then uplift.implementation else churn_risk.implementation end as implementation,
        case policy.rank_by when 'uplift' then uplift.model_version else churn_risk.model_version end as model_version,
        churn_risk.as_of,
        churn_risk.scored_at,
        churn_risk.reasons

    from churn_risk
    inner join snapshots on churn_risk.customer_id = snapshots.customer_id
    left join uplift on churn_risk.customer_id = uplift.customer_id
    cross join policy

),

spent as (

    select
        *,
        sum(case when is_eligible and not is_held_out then coupon_cost else 0 end) over (
            order by case rank_by when 'uplift' then expected_gain else expected_loss end desc nulls last, customer_id asc
            rows between unbounded preceding and current row
        ) as spent_so_far

    from candidates

),

offers as (

    select
        customer_id,
        is_eligible and not is_held_out and spent_so_far <= budget as gets_coupon,
        case
            when rank_by = 'uplift' and uplift is null then 'uplift unknown'
            when not is_eligible then 'not eligible'
            when is_held_out then 'held out'
            when spent_so_far <= budget then 'coupon'
            else 'over budget'
        end as decision,
        is_eligible,
        is_held_out,
        score,
        customer_value,
        expected_loss,
        uplift,
        expected_gain,
        implementation,
        model_version,
        as_of,
        scored_at,
        reasons

    from spent

)

select * from offers
