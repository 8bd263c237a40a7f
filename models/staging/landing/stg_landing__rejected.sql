with

received as (

    select * from {{ ref('stg_landing__received') }}

),

repeated as (

    select * from {{ ref('stg_landing__repeated') }}

),

rejected as (

    select
        received.* exclude (rejection_reason, place),
        coalesce(received.rejection_reason, 'duplicate interaction id') as rejection_reason

    from received
    left join repeated on received.interaction_id = repeated.interaction_id
    where
        received.rejection_reason is not null
        or received.place > 1
        or received.occurred_at < repeated.kept_from
        or received.occurred_at >= repeated.kept_until

)

select * from rejected
