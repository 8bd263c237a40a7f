with

invoice_lines as (

    select * from {{ ref('stg_retail__invoice_lines') }}

),

rejected as (

    select * from invoice_lines
    where rejection_reason is not null

)

select * from rejected
