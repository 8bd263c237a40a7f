with

served as (

    {{ served_as() }}

),

endpoints as (

    select
        endpoint,
        product,
        deployments

    from served

)

select * from endpoints
