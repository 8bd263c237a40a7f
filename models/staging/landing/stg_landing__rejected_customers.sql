with

rejected as (

    {{ rejected('customers', 'customer_id') | indent(4) }}

)

select * from rejected
