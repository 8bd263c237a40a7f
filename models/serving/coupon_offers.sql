{#
    Who gets the coupon: at risk or moved by it (as the policy ranks), worth it, not held out, and within the budget, the largest
    expected loss or gain first.
#}

with

churn_risk as (

    select * from {{ ref('churn_risk') }}

),

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

uplift as (

    select * from {{ ref('coupon_uplift') }}

),

candidates as (

    select
        churn_risk.customer_id,
        churn_risk.score,
        uplift.score as uplift,
        snapshots.net_amount as customer_value,
        churn_risk.implementation,
        uplift.implementation as uplift_implementation,
        churn_risk.model_version,
        uplift.model_version as uplift_model_version,
        churn_risk.as_of,
        churn_risk.scored_at,
        churn_risk.reasons,
        churn_risk.reason_text

    from churn_risk
    inner join snapshots on churn_risk.customer_id = snapshots.customer_id
    left join uplift on churn_risk.customer_id = uplift.customer_id

),

decided as (

    {{ coupon_decisions('candidates') }}

),

offers as (

    select
        customer_id,
        is_eligible and not is_held_out and is_within_budget as gets_coupon,
        case
            when rank_by = 'uplift' and uplift is null then 'uplift unknown'
            when not is_eligible then 'not eligible'
            when is_held_out then 'held out'
            when is_within_budget then 'coupon'
            else 'over budget'
        end as decision,
        is_eligible,
        is_held_out,
        score,
        customer_value,
        expected_loss,
        uplift,
        expected_gain,
        case rank_by when 'uplift' then uplift_implementation else implementation end as implementation,
        case rank_by when 'uplift' then uplift_model_version else model_version end as model_version,
        as_of,
        scored_at,
        reasons,
        reason_text

    from decided

)

select * from offers
