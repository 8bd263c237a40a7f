with

invoice_lines as (

    select * from {{ ref('stg_retail__invoice_lines') }}

),

interactions as (

    select
        ---------- ids
        interaction_id,
        customer_id,
        invoice_id as session_id,
        item_id,

        ---------- strings
        case when is_cancellation then 'cancel' else 'purchase' end as interaction_type,
        cast(null as varchar) as query,
        cast(null as varchar) as experiment,
        cast(null as varchar) as variant,

        ---------- numerics
        cast(abs(quantity) as double) as quantity,
        cast(abs(quantity) * unit_price as double) as amount,
        cast(null as integer) as position,
        cast(null as double) as propensity,
        cast(null as json) as properties,

        ---------- timestamps
        occurred_at,
        occurred_at as received_at

    from invoice_lines
    where rejection_reason is null

)

select * from interactions
