with

recommended as (

    {{ recommended('recommendation__ease', 'recommendations__ease') }}

)

select * from recommended
