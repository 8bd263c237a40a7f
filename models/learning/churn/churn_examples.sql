with

matured_times as (

    select * from {{ ref('int_matured_times') }}

),

snapshots as (

    select * exclude (is_current) from {{ ref('customer_snapshots') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}
    where purchase_count > 0

),

matured as (

    select snapshots.*

    from snapshots
    inner join matured_times on snapshots.as_of = matured_times.as_of

),

returning_customers as (

    select distinct
        matured.as_of,
        matured.customer_id

    from matured
    inner join customer_days
        on
            matured.customer_id = customer_days.customer_id
            and customer_days.occurred_date >= cast(matured.as_of as date)
            and customer_days.occurred_date < cast(matured.as_of as date) + {{ var('churn_horizon_days') }}
            {# what arrives later never changes a label that has matured #}
            and customer_days.known_date < cast(matured.as_of as date) + {{ var('churn_horizon_days') }}

),

examples as (

    select
        matured.*,
        cast(returning_customers.customer_id is null as integer) as is_churned

    from matured
    left join returning_customers
        on matured.as_of = returning_customers.as_of and matured.customer_id = returning_customers.customer_id

)

select * from examples
