{#
    The rows of a table of the landing contract, other than interactions, that cannot be used, and why, as a whole select.

    Example:
        {{ rejected('items', 'item_id') }}  ->  item_id, source_file, rejection_reason, rejected_column, rejected_value, source_line

    Arguments:
        table: items, customers or labels
        key: its column that says what a row is about
#}
{% macro rejected(table, key) -%}
    {%- do _expect('rejected', table=[['items', 'customers', 'labels'], table], key=['column', key]) -%}
    with

    judged as (

        {{ judged(table) | indent(8) }}

    )

    select
        ---------- ids
        {{ key }},

        ---------- strings
        source_file,
        rejection_reason,
        rejected_column,
        rejected_value,

        ---------- numerics
        source_line

    from judged
    where rejection_reason is not null
{%- endmacro %}
