with

snapshots as (

    select * from {{ ref('payment_snapshots') }}

),

scored as (

    {{ scored('fraud__amount', ['payment_id', 'customer_id', 'item_id', 'amount'], as_of='occurred_at') }}

)

select * from scored
