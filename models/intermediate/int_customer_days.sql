{# Money is added as decimals: an exact sum does not depend on the order of rows, so every build gives the same bytes. #}

with

interactions as (

    select
        *,
        cast(amount as decimal(38, 6)) as exact_amount

    from {{ ref('int_interactions') }}

),

customer_days as (

    select
        customer_id,
        cast(occurred_at as date) as occurred_date,
        cast(greatest(occurred_at, received_at) as date) as known_date,
        count(*) as interaction_count,
        count(*) filter (where interaction_type = 'purchase') as purchase_count,
        coalesce(sum(exact_amount) filter (where interaction_type = 'purchase'), 0) as purchase_amount,
        count(*) filter (where interaction_type in ('cancel', 'refund')) as cancellation_count,
        coalesce(sum(exact_amount) filter (where interaction_type in ('cancel', 'refund')), 0) as cancellation_amount

    from interactions
    group by customer_id, occurred_date, known_date

)

select * from customer_days
