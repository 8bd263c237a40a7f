{# The same formula as scorehouse.recommending.history.History.preferences, which a test holds together. #}

with

customer_item_days as (

    select * from {{ ref('customer_item_days') }}

),

aged as (

    select
        *,
        date_diff(
            'day',
            occurred_date,
            max(occurred_date) filter (where weight > 0) over (partition by customer_id)
        ) as age_days

    from customer_item_days

),

summed as (

    select
        customer_id,
        item_id,
        {# sums and maxima of decimals do not depend on the order of rows #}
        greatest(0, least(1, cast(sum(cast(weight as decimal(18, 9))) as double)))
        * coalesce(
            cast(
                max(cast(least(1, power(2, -age_days / half_life_days)) as decimal(18, 15))) filter (where weight > 0) as double
            ),
            0
        ) as preference,
        bool_or(is_taken) as is_taken,
        max(as_of) as as_of

    from aged
    group by customer_id, item_id

),

preferences as (

    select * replace (case when preference >= {{ var('smallest_preference') }} then preference else 0 end as preference)
    from summed

)

select * from preferences
