with

rejected as (

    {{ rejected('items', 'item_id') | indent(4) }}

)

select * from rejected
