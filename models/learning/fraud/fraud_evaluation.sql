{# How well frauds of the later-in-time test are found: by each implementation, and by the amount alone. #}

with recursive

version as (

    select
        test_from,
        test_until

    from {{ ref('fraud__boosted') }}
    where status = 'ready' and test_from is not null

),

examples as (

    select
        examples.*,
        version.test_from,
        version.test_until

    from {{ ref('fraud_examples') }} as examples
    inner join version on examples.occurred_on >= version.test_from and examples.occurred_on <= version.test_until

),

scored as (

    select
        payment_id,
        customer_id,
        occurred_on,
        is_fraud,
        test_from,
        test_until,
        unnest(
            list_value(
                struct_pack(implementation := 'amount alone', score := amount),
                struct_pack(implementation := 'fraud_risk__rules', score := {{ score('fraud__rules', measured=true) }}),
                struct_pack(implementation := 'fraud_risk__boosted', score := {{ score('fraud__boosted', measured=true) }})
            ),
            max_depth => 2
        )  -- noqa: AL03

    from examples

),

by_score as (

    select
        implementation,
        score,
        count(*) as payment_count,
        sum(is_fraud) as fraud_count

    from scored
    where score is not null
    group by implementation, score

),

cumulated as (

    select
        *,
        sum(payment_count) over upwards as payments_so_far,
        sum(fraud_count) over upwards as frauds_so_far,
        sum(payment_count) over whole as all_payments,
        sum(fraud_count) over whole as all_frauds

    from by_score
    window
        upwards as (partition by implementation order by score desc rows between unbounded preceding and current row),
        whole as (partition by implementation)

),

{# auc: legitimate payments below a fraud, those with the same score half; average precision as scikit-learn defines it #}
areas as (

    select
        implementation,
        cast(
            sum(
                fraud_count * (
                    2 * (all_payments - all_frauds - payments_so_far + frauds_so_far) + payment_count - fraud_count
                )
            ) as double
        ) / nullif(2 * any_value(all_frauds) * any_value(all_payments - all_frauds), 0) as auc,
        sum(fraud_count / all_frauds * frauds_so_far / payments_so_far order by score desc) as average_precision

    from cumulated
    group by implementation

),

card_days as (

    select
        implementation,
        date_diff('day', test_from, occurred_on) as day_number,
        customer_id,
        max(score) as score,
        max(is_fraud) as is_fraud

    from scored
    where score is not null
    group by implementation, day_number, customer_id

),

{# each day the hundred riskiest cards are looked at; a card whose fraud was found is blocked, and not looked at again #}
looked_at as (

    select
        implementation,
        -1 as day_number,
        cast([] as varchar[]) as blocked,
        cast(null as bigint) as found
    from card_days
    group by implementation
    union all
    select
        ranked.implementation,
        ranked.day_number,
        list_concat(
            any_value(ranked.blocked),
            coalesce(list(ranked.customer_id) filter (where ranked.place <= 100 and ranked.is_fraud = 1), [])
        ) as blocked,
        count(*) filter (where ranked.place <= 100 and ranked.is_fraud = 1) as found
    from (  -- noqa: ST05, the recursion may stand only here
        select
            card_days.*,
            looked_at.blocked,
            row_number() over (
                partition by card_days.implementation
                order by card_days.score desc, card_days.customer_id asc
            ) as place
        from looked_at
        inner join card_days
            on
                looked_at.implementation = card_days.implementation
                and looked_at.day_number + 1 = card_days.day_number
                and not list_contains(looked_at.blocked, card_days.customer_id)
    ) as ranked
    group by ranked.implementation, ranked.day_number

),

card_precision as (

    select
        implementation,
        cast(sum(found) as double) / 100 / count(found) as card_precision_at_100

    from looked_at
    group by implementation

),

evaluation as (

    select
        areas.implementation,
        (select count(*) from examples) as payment_count,
        (select cast(coalesce(sum(examples.is_fraud), 0) as bigint) from examples) as fraud_count,
        (select version.test_from from version) as test_from,
        (select version.test_until from version) as test_until,
        unnest(  -- noqa: AL03
            list_value(
                struct_pack(metric := 'auc', value := areas.auc),
                struct_pack(metric := 'average_precision', value := areas.average_precision),
                struct_pack(metric := 'card_precision_at_100', value := card_precision.card_precision_at_100)
            ),
            max_depth => 2
        )

    from areas
    left join card_precision on areas.implementation = card_precision.implementation

)

select * from evaluation
