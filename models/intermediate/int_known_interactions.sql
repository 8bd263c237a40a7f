with

interactions as (

    select * from {{ ref('int_interactions') }}

),

known as (

    select * from interactions
    where greatest(occurred_at, received_at) < {{ as_of() }}

)

select * from known
