with

received as (

    select * from {{ ref('stg_landing__received') }}

),

repeated as (

    select * from {{ ref('stg_landing__repeated') }}

),

left_out as (

    select received.*

    from received
    left join repeated on received.interaction_id = repeated.interaction_id
    where
        received.rejection_reason is not null
        or received.place > 1
        or received.occurred_at < repeated.kept_from
        or received.occurred_at >= repeated.kept_until

),

rejected as (

    select * exclude (place) replace (coalesce(rejection_reason, 'duplicate interaction id') as rejection_reason)
    from left_out

)

select * from rejected
