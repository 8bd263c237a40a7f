with

recommended as (

    {{ recommended('recommendation__popular', ref('item_popularities__popular'), 'recommendations__popular') }}

)

select * from recommended
