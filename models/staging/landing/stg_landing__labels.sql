with

judged as (

    {{ judged('labels') | indent(4) }}

),

labels as (

    select distinct
        ---------- ids
        entity_id,

        ---------- strings
        lower(label) as label,
        lower(entity_type) as entity_type,

        ---------- numerics
        value,

        ---------- timestamps
        occurred_at,
        coalesce(known_at, occurred_at) as known_at

    from judged
    where rejection_reason is null

)

select * from labels
