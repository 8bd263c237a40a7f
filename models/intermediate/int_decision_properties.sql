with

decisions as (

    select * from {{ ref('int_decisions') }}
    where json_type(properties) = 'OBJECT'

),

keys as (

    select
        experiment,
        decision_id,
        properties,
        unnest(json_keys(properties)) as key

    from decisions

),

properties as (

    select
        experiment,
        decision_id,
        key,
        json_extract_string(properties, '$."' || key || '"') as text,
        try_cast(json_extract_string(properties, '$."' || key || '"') as double) as number,
        json_type(properties, '$."' || key || '"') = 'VARCHAR' as is_text

    from keys
    where key <> '' and not contains(key, '"')

),

usable as (

    select * from properties
    where text is not null and coalesce(isfinite(number), true)

)

select * from usable
