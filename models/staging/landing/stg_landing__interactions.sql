with

received as (

    select * from {{ ref('stg_landing__received') }}

),

interactions as (

    select * exclude (rejection_reason)
    from received
    where rejection_reason is null

)

select * from interactions
