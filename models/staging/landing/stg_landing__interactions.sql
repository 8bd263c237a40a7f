with

received as (

    select * from {{ ref('stg_landing__received') }}

),

repeated as (

    select * from {{ ref('stg_landing__repeated') }}

),

kept as (

    select received.*

    from received
    left join repeated on received.interaction_id = repeated.interaction_id
    where
        received.rejection_reason is null
        and received.place = 1
        and coalesce(received.occurred_at >= repeated.kept_from and received.occurred_at < repeated.kept_until, true)

),

interactions as (

    select
        * exclude (
            source_file, source_line, rejection_reason, rejected_column, rejected_value, place, is_contradicted,
            is_repeated_in_file
        )

    from kept

)

select * from interactions
