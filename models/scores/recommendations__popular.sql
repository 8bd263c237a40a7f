with

recommended as (

    {{ recommended('recommendation__popular', 'recommendations__popular') }}

)

select * from recommended
