with

popularities as (

    {{ item_popularities('recommendation__popular') }}

)

select * from popularities
