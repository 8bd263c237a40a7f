with

judged as (

    {{ judged('items') | indent(4) }}

),

rejected as (

    select
        ---------- ids
        item_id,

        ---------- strings
        source_file,
        rejection_reason,
        rejected_column,
        rejected_value,

        ---------- numerics
        source_line

    from judged
    where rejection_reason is not null

)

select * from rejected
