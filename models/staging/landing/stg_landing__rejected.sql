with

received as (

    select * from {{ ref('stg_landing__received') }}

),

rejected as (

    select * from received
    where rejection_reason is not null

)

select * from rejected
