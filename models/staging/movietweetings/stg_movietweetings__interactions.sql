with

source as (

    select * from {{ source('movietweetings', 'ratings') }}

),

interactions as (

    select
        ---------- ids
        concat_ws('-', user_id, movie_id) as interaction_id,
        cast(user_id as varchar) as customer_id,
        cast(null as varchar) as session_id,
        movie_id as item_id,

        ---------- strings
        'rating' as interaction_type,
        cast(null as varchar) as query,
        cast(null as varchar) as experiment,
        cast(null as varchar) as variant,

        ---------- numerics
        cast(null as double) as quantity,
        cast(null as double) as amount,
        cast(null as integer) as position,
        cast(null as double) as propensity,
        cast(json_object('rating', rating) as json) as properties,

        ---------- timestamps
        rated_at as occurred_at,
        rated_at as received_at

    from source

)

select * from interactions
