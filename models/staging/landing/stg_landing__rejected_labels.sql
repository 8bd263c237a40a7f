with

rejected as (

    {{ rejected('labels', 'entity_id') | indent(4) }}

)

select * from rejected
