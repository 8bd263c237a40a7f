with

received as (

    select * from {{ ref('stg_landing__received') }}

),

repeated as (

    select * from {{ ref('stg_landing__repeated') }}

),

left_out as (

    select
        received.*,
        coalesce(
            received.rejection_reason is null
            and (received.occurred_at < repeated.kept_from or received.occurred_at >= repeated.kept_until),
            false
        ) as is_in_another_partition

    from received
    left join repeated on received.interaction_id = repeated.interaction_id
    where
        received.rejection_reason is not null
        or received.place > 1
        or received.occurred_at < repeated.kept_from
        or received.occurred_at >= repeated.kept_until

),

rejected as (

    select
        * exclude (place, is_contradicted, is_repeated_in_file, is_in_another_partition)
        replace (
            case
                when rejection_reason is not null then rejection_reason
                when is_contradicted or is_in_another_partition then 'interaction id repeated with other content'
                when is_repeated_in_file then 'interaction id repeated in its file'
                else 'sent again'
            end as rejection_reason,
            case
                when rejection_reason is not null then rejected_column
                else 'interaction_id'
            end as rejected_column,
            case
                when rejection_reason is not null then rejected_value
                else interaction_id
            end as rejected_value
        )

    from left_out

)

select * from rejected
