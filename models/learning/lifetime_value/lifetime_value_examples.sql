{#- a purchase is in the horizon if it happened and became known there, so that a label that has matured never changes -#}

with

known as (

    select * exclude (is_current) from {{ ref('customer_snapshots') }}

),

snapshots as (

    select known.*

    from known
    inner join {{ ref('int_matured_times') }} as matured_times on known.as_of = matured_times.as_of

),

customer_days as (

    select * from {{ ref('int_customer_days') }}
    where purchase_count > 0

),

spent as (

    select
        snapshots.customer_id,
        snapshots.as_of,
        cast(sum(customer_days.purchase_amount) as double) as spent_amount

    from snapshots
    inner join customer_days
        on
            snapshots.customer_id = customer_days.customer_id
            and customer_days.occurred_date >= cast(snapshots.as_of as date)
            and customer_days.occurred_date < cast(snapshots.as_of as date) + {{ var('churn_horizon_days') }}
            and customer_days.known_date < cast(snapshots.as_of as date) + {{ var('churn_horizon_days') }}
    group by snapshots.customer_id, snapshots.as_of

),

examples as (

    select
        snapshots.*,
        coalesce(spent.spent_amount, 0) as spent_amount

    from snapshots
    left join spent on snapshots.customer_id = spent.customer_id and snapshots.as_of = spent.as_of

)

select * from examples
