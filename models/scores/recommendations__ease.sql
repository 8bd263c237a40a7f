with

recommended as (

    {{ recommended('recommendation__ease', ref('item_popularities__ease'), 'recommendations__ease') }}

)

select * from recommended
