{# How far predicted spend is from what was spent, on the later-in-time test: by the model, and by spending as before. #}

with

version as (

    select
        test_from,
        test_until,
        list_filter(metrics, lambda one: one['metric'] = 'interval_coverage')[1]['value'] as interval_coverage

    from {{ ref('lifetime_value__poisson') }}
    where status = 'ready' and test_from is not null

),

predicted as (

    select
        examples.customer_id,
        examples.as_of,
        examples.spent_amount,
        version.interval_coverage,
        unnest(
            list_value(
                struct_pack(
                    implementation := 'lifetime_value__poisson',
                    prediction := {{ score('lifetime_value__poisson', measured=true) }}
                ),
                struct_pack(
                    implementation := 'as in the last 90 days',
                    prediction := examples.purchase_amount_90d * {{ var('churn_horizon_days') }} / 90
                )
            ),
            max_depth => 2
        )  -- noqa: AL03

    from {{ ref('lifetime_value_examples') }} as examples
    inner join version on examples.as_of between version.test_from and version.test_until

),

errors as (

    select
        *,
        prediction - spent_amount as error

    from predicted
    where prediction is not null

),

{# sums of doubles in a fixed order: the same bytes in every build #}
means as (

    select
        implementation,
        sum(spent_amount order by as_of, customer_id) / count(*) as mean_amount

    from errors
    group by implementation

),

measured as (

    select
        errors.implementation,
        count(*) as customer_count,
        sum(abs(errors.error) order by errors.as_of, errors.customer_id) / count(*) as mae,
        sqrt(sum(errors.error * errors.error order by errors.as_of, errors.customer_id) / count(*)) as rmse,
        1 - sum(errors.error * errors.error order by errors.as_of, errors.customer_id)
        / nullif(
            sum(
                (errors.spent_amount - means.mean_amount) * (errors.spent_amount - means.mean_amount)
                order by errors.as_of, errors.customer_id
            ), 0
        ) as r2,
        any_value(errors.interval_coverage) filter (
            where errors.implementation = 'lifetime_value__poisson'
        ) as interval_coverage

    from errors
    inner join means on errors.implementation = means.implementation
    group by errors.implementation

)

select * from measured
