{# Of each period's customers, those whom the coupon's policy that holds now makes eligible by the scores that are watched. #}

with

past_scores as (

    select * from {{ ref('past_scores') }}
    where split_part(implementation, '__', 1) = 'churn_risk'

),

snapshots as (

    select * from {{ ref('customer_snapshots') }}

),

candidates as (

    select
        past_scores.implementation,
        past_scores.period_at,
        past_scores.is_trained_on,
        past_scores.score,
        cast(null as double) as uplift,
        snapshots.customer_id,
        snapshots.net_amount as customer_value

    from past_scores
    inner join snapshots on past_scores.entity_id = snapshots.customer_id and past_scores.period_at = snapshots.as_of

),

coupons as (

    {{ coupon_decisions('candidates', within=['implementation', 'period_at']) }}

),

{# what a policy that ranks by uplift decides is not of the score that is watched #}
rates as (

    select
        implementation,
        'coupon' as decision,
        period_at,
        is_trained_on,
        count(*) as row_count,
        count(*) filter (where is_eligible) as decided_count

    from coupons
    where rank_by <> 'uplift'
    group by implementation, period_at, is_trained_on

)

select * from rates
