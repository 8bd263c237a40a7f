with

recommended as (

    {{ recommended('recommendation__item_item', ref('item_popularities__item_item'), 'recommendations__item_item') }}

)

select * from recommended
