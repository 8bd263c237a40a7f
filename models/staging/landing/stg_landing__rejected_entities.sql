{%- set keys = {'items': 'item_id', 'customers': 'customer_id', 'labels': 'entity_id'} -%}

with

{% for table in keys -%}
judged_{{ table }} as (

    {{ judged(table) | indent(4) }}

),

{% endfor -%}

judged as (
    {%- for table, key in keys.items() %}

    select
        {{ key }} as entity_id,
        source_file,
        rejection_reason,
        rejected_column,
        rejected_value,
        source_line
    from judged_{{ table }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

rejected as (

    select
        ---------- ids
        entity_id,

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
