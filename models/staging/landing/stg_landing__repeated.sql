with

received as (

    select
        interaction_id,
        occurred_at,
        received_at,
        date_trunc('{{ var("interaction_grain") }}', occurred_at) as partition_from

    from {{ ref('stg_landing__received') }}
    where rejection_reason is null

),

repeated as (

    select
        interaction_id,
        first(partition_from order by received_at, occurred_at) as kept_from

    from received
    group by interaction_id
    having min(partition_from) < max(partition_from)

),

kept as (

    select
        *,
        kept_from + interval 1 {{ var('interaction_grain') }} as kept_until

    from repeated

)

select * from kept
