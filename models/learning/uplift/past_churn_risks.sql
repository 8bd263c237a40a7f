{#
    From the first redeemed coupon on, where no offer was logged: what the implementation that routes give most of churn_risk
    would have said at each as-of time, by a fit that did not know what came of it.
#}
{%- set implementation = most_routed('churn_risk', ['churn_risk__logistic', 'churn_risk__boosted', 'churn_risk__recency']) -%}
{%- set scores = {
    'churn_risk__logistic': score('churn__logistic', implementation='churn_risk__logistic', measured=true),
    'churn_risk__boosted': score('churn__boosted', implementation='churn_risk__boosted', measured=true),
    'churn_risk__recency': score('churn__recency', implementation='churn_risk__recency', measured=true),
} %}

with

logged as (

    select decision_id from {{ ref('int_decisions') }}
    where contains(lower(experiment), 'coupon')

),

first_redemption as (

    select min(occurred_at) as first_at
    from {{ ref('int_known_interactions') }}
    where
        interaction_type = 'coupon_redeemed'
        and not exists (select 1 from logged)

),

snapshots as (

    select customer_snapshots.*

    from {{ ref('customer_snapshots') }} as customer_snapshots
    inner join first_redemption on customer_snapshots.as_of >= date_trunc('month', first_redemption.first_at)
    where not customer_snapshots.is_current

),

scored as (

    select
        customer_id,
        as_of,
        net_amount,
        {{ scores[implementation] }} as score,
        '{{ implementation }}' as implementation

    from snapshots

)

select * from scored
