with

source as (

    select * from {{ source('retail', 'invoice_lines') }}

),

renamed as (

    select
        ---------- ids
        nullif(trim(invoiceno), '') as invoice_id,
        nullif(upper(trim(stockcode)), '') as item_id,
        nullif(trim(customerid), '') as customer_id,

        ---------- strings
        nullif(trim(description), '') as title,
        nullif(trim(country), '') as country,

        ---------- numerics
        quantity,
        unitprice as unit_price,

        ---------- booleans
        invoiceno like 'C%' as is_cancellation,

        ---------- timestamps
        invoicedate as occurred_at

    from source

),

judged as (

    select
        *,
        {# an invoice may list an item twice: a day's lines of one item are numbered, and equal lines are interchangeable #}
        concat_ws(
            '-',
            invoice_id,
            item_id,
            strftime(occurred_at, '%Y%m%d'),
            row_number() over (
                partition by invoice_id, item_id, cast(occurred_at as date)
                order by quantity, unit_price, occurred_at, title, customer_id, country, is_cancellation
            )
        ) as interaction_id,
        case
            when invoice_id is null then 'no invoice id'
            when item_id is null then 'no item id'
            when customer_id is null then 'no customer id'
            when occurred_at is null or year(occurred_at) not between 1970 and 2100 then 'impossible date'
            when unit_price is null or unit_price <= 0 then 'zero or negative price'
            when quantity is null or quantity = 0 then 'zero quantity'
            when quantity < 0 and not is_cancellation then 'negative quantity without cancellation'
            when quantity > 0 and is_cancellation then 'positive quantity on a cancellation'
        end as rejection_reason

    from renamed

)

select * from judged
