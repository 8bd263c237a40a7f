with

popularities as (

    {{ item_popularities('recommendation__item_item') }}

)

select * from popularities
