with

popularities as (

    {{ item_popularities('recommendation__ease') }}

)

select * from popularities
