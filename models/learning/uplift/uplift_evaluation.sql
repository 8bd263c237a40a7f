{#
    Purchases that a coupon brings when a share of customers gets it, chosen by the uplift or by the risk of not buying, on the
    later half of the assignments. The gain is the mean of (y - mean y) (t / p - (1 - t) / (1 - p)) over those chosen, zero for
    the others; its standard error is by customer, so that one who was assigned several times counts once. Source: Gutierrez, Gerardy
    (2017), Causal inference and uplift modelling.
#}

with

examples as (

    select * from {{ ref('uplift_examples') }}

),

scored as (

    select
        assignment_id,
        customer_id,
        is_treated,
        propensity,
        has_purchased,
        {{ score('uplift__treated', measured=true) }} as treated_score,
        {{ score('uplift__held_out', measured=true) }} as held_out_score,
        period_at = max(period_at) over () and period_at > min(period_at) over () as is_test

    from examples

),

tested as (

    select
        assignment_id,
        customer_id,
        treated_score,
        held_out_score,
        (has_purchased - avg(has_purchased) over ())
        * case when is_treated then 1 / propensity else -1 / (1 - propensity) end as gain,
        count(*) over () as tested_count

    from scored
    where is_test and treated_score is not null and held_out_score is not null

),

ranked as (

    select
        rules.rule,
        tested.assignment_id,
        tested.customer_id,
        tested.gain,
        tested.tested_count,
        row_number() over (
            partition by rules.rule
            order by
                case rules.rule
                    when 'uplift' then tested.treated_score - tested.held_out_score
                    when 'risk' then -tested.held_out_score
                    else {{ function('stable_share') }}(tested.assignment_id, 'targeting')
                end desc,
                tested.assignment_id asc
        ) as place

    from tested
    cross join (values ('uplift'), ('risk'), ('random')) as rules (rule)

),

chosen as (

    select
        ranked.rule,
        shares.tenths / 10 as share,
        ranked.assignment_id,
        ranked.customer_id,
        ranked.tested_count,
        case when ranked.place <= shares.tenths * ranked.tested_count / 10 then ranked.gain else 0 end as gain

    from ranked
    cross join range(1, 11) as shares (tenths)

),

of_customers as (

    select
        rule,
        share,
        customer_id,
        any_value(tested_count) as tested_count,
        count(*) as assignment_count,
        sum(gain order by assignment_id) as gain

    from chosen
    group by rule, share, customer_id

),

means as (

    select
        rule,
        share,
        any_value(tested_count) as tested_count,
        count(*) as customer_count,
        sum(gain order by customer_id) / any_value(tested_count) as gain

    from of_customers
    group by rule, share

),

evaluation as (

    select
        means.rule,
        means.share,
        any_value(means.gain) as gain,
        sqrt(
            sum(pow(of_customers.gain - of_customers.assignment_count * means.gain, 2) order by of_customers.customer_id)
            * any_value(means.customer_count) / nullif(any_value(means.customer_count) - 1, 0)
        ) / any_value(means.tested_count) as standard_error,
        any_value(means.tested_count) as tested_count

    from means
    inner join of_customers on means.rule = of_customers.rule and means.share = of_customers.share
    group by means.rule, means.share

)

select * from evaluation
