with

unioned as (

    select
        item_id as entity_id,
        'item_id' as key,
        source_file,
        source_line,
        unreadable_column,
        unreadable_value
    from {{ source('landing', 'items') }}
    union all
    select
        customer_id as entity_id,
        'customer_id' as key,
        source_file,
        source_line,
        unreadable_column,
        unreadable_value
    from {{ source('landing', 'customers') }}
    union all
    select
        case when nullif(trim(label), '') is not null then entity_id end as entity_id,
        case when nullif(trim(label), '') is null then 'label' else 'entity_id' end as key,
        source_file,
        source_line,
        unreadable_column,
        unreadable_value
    from {{ source('landing', 'labels') }}

),

rejected as (

    select
        ---------- ids
        entity_id,

        ---------- strings
        source_file,
        case
            when unreadable_column is not null then 'unreadable ' || unreadable_column
            else 'no ' || replace(key, '_', ' ')
        end as rejection_reason,
        coalesce(unreadable_column, key) as rejected_column,
        unreadable_value as rejected_value,

        ---------- numerics
        source_line

    from unioned
    where entity_id is null or unreadable_column is not null

)

select * from rejected
