{#
    How often what decides decides so: what the policies that hold now make of the scores of each period, and which arms were shown.
    Intervals are Wilson's (1927), of the rate of this period.
#}

with

past_scores as (

    select * from {{ ref('past_scores') }}

),

snapshots as (

    select * from {{ ref('customer_snapshots') }}

),

review_policy as (

    select * from {{ ref('review_policy') }}
    where policy = 'default'

),

arms as (

    select
        experiment,
        variant,
        date_trunc('day', occurred_at) as period_at,
        count(*) as shown_count

    from {{ ref('int_decisions') }}
    group by experiment, variant, date_trunc('day', occurred_at)

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
    where split_part(past_scores.implementation, '__', 1) = 'churn_risk'

),

coupons as (

    {{ coupon_decisions('candidates', within=['implementation', 'period_at']) }}

),

{# what a policy that ranks by uplift decides is not of the score that is watched #}
counted as (

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
    union all
    select
        past_scores.implementation,
        'review' as decision,
        past_scores.period_at,
        past_scores.is_trained_on,
        count(*) as row_count,
        least(count(*) filter (where past_scores.score >= review_policy.minimum_score), any_value(review_policy.reviews_per_day))
            as decided_count
    from past_scores
    cross join review_policy
    where split_part(past_scores.implementation, '__', 1) = 'fraud_risk'
    group by past_scores.implementation, past_scores.period_at, past_scores.is_trained_on
    union all
    select
        experiment as implementation,
        variant as decision,
        period_at,
        false as is_trained_on,
        sum(shown_count) over (partition by experiment, period_at) as row_count,
        shown_count as decided_count
    from arms

),

{# what is usual: of a model's decisions, those of the time that it was trained on; of an arm's, all before #}
compared as (

    select
        *,
        decided_count / row_count as rate,
        3.841458820694124 / row_count as shrinkage,
        1.959963984540054 * sqrt(rate * (1 - rate) / row_count + shrinkage / row_count / 4) as half_width,
        coalesce(
            sum(decided_count) filter (where is_trained_on) over series / sum(row_count) filter (where is_trained_on) over series,
            sum(decided_count) over earlier / sum(row_count) over earlier
        ) as usual_rate

    from counted
    window
        series as (partition by implementation, decision),
        earlier as (
            partition by implementation, decision
            order by period_at
            rows between unbounded preceding and 1 preceding
        )

),

decision_rates as (

    select
        implementation,
        decision,
        period_at,
        is_trained_on,
        cast(row_count as bigint) as row_count,
        decided_count,
        rate,
        (rate + shrinkage / 2 - half_width) / (1 + shrinkage) as lower_bound,
        (rate + shrinkage / 2 + half_width) / (1 + shrinkage) as upper_bound,
        usual_rate

    from compared

)

select * from decision_rates
