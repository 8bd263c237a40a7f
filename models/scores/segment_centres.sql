{# Centres are means of logarithms, added as decimals: exact sums give the same bytes in every build. #}

with

examples as (

    select * from {{ ref('segment_examples') }}

),

clusters as (

    select * from {{ ref('customer_segments__kmeans') }}

),

{# the typical size of money, so that the currency does not matter #}
sizes as (

    select coalesce(median(abs(net_amount) + 0.0) filter (where net_amount <> 0), 1) as net_amount
    from examples

),

logarithms as (

    select
        clusters.model_version,
        clusters.cluster,
        examples.purchase_day_count = 1 as is_one_time_buyer,
        examples.tenure_days,
        examples.recency_in_gaps,
        cast(ln(1 + examples.recency_days) as decimal(38, 12)) as recency,
        cast(ln(1 + examples.purchase_day_count) as decimal(38, 12)) as frequency,
        cast(
            sign(examples.net_amount) * ln(1 + abs(examples.net_amount) / sizes.net_amount) as decimal(38, 12)
        ) as money

    from clusters
    inner join examples on clusters.customer_id = examples.customer_id
    cross join sizes

),

centred as (

    select
        model_version,
        cluster,
        count(*) as customer_count,
        count(*) filter (where is_one_time_buyer) / count(*) as one_time_share,
        median(tenure_days) as tenure_days,
        median(recency_in_gaps + 0.0) as recency_in_gaps,
        cast(sum(recency) as double) / count(*) as recency,
        cast(sum(frequency) as double) / count(*) as frequency,
        cast(sum(money) as double) / count(*) as money

    from logarithms
    group by model_version, cluster

),

overall as (

    select
        cast(sum(recency) as double) / count(*) as recency,
        cast(sum(frequency) as double) / count(*) as frequency,
        cast(sum(money) as double) / count(*) as money

    from logarithms

),

centres as (

    select
        centred.model_version,
        centred.cluster,
        centred.customer_count,
        centred.customer_count / sum(centred.customer_count) over () as customer_share,
        centred.one_time_share,
        centred.tenure_days,
        centred.recency_in_gaps,
        exp(centred.recency) - 1 as recency_days,
        exp(centred.frequency) - 1 as purchase_day_count,
        sign(centred.money) * (exp(abs(centred.money)) - 1) * sizes.net_amount as net_amount,
        exp(centred.recency - overall.recency) as recency_ratio,
        exp(centred.frequency - overall.frequency) as frequency_ratio,
        exp(centred.money - overall.money) as money_ratio

    from centred
    cross join overall
    cross join sizes

)

select * from centres
