{#
    Every row of a table of the landing contract but interactions, and why it cannot be used, as a whole select: the source's
    columns, then rejection_reason, rejected_column, rejected_value; NULL where nothing is wrong.

    Example:
        select * from ({{ judged('items') }}) where rejection_reason is null

    Arguments:
        table: items, customers or labels
#}
{% macro judged(table) -%}
    {%- do _expect('judged', table=[['items', 'customers', 'labels'], table]) -%}
    {%- set checks = {
        'items': [
            ('item_id is null', 'no item id', 'item_id'),
            ('price < 0 or not isfinite(price) or price >= 1e15', 'impossible price', 'price'),
            (_is_no_time('updated_at'), 'impossible date', 'updated_at'),
        ],
        'customers': [
            ('customer_id is null', 'no customer id', 'customer_id'),
            (_is_no_time('signed_up_at'), 'impossible date', 'signed_up_at'),
            (_is_no_time('updated_at'), 'impossible date', 'updated_at'),
        ],
        'labels': [
            ('label is null', 'no label', 'label'),
            ('entity_id is null', 'no entity id', 'entity_id'),
            ('value is null', 'no value', 'value'),
            ('not isfinite(value)', 'impossible value', 'value'),
            (_is_no_time('occurred_at'), 'impossible date', 'occurred_at'),
            (_is_no_time('known_at'), 'impossible date', 'known_at'),
            ('min(value) over same_label < max(value) over same_label', 'label contradicted', 'value'),
        ],
    }[table] -%}
    select
        *,
        {{- _rejection(checks) }}

    from {{ source('landing', table) }}
    {%- if table == 'labels' %}
    window same_label as (
        partition by lower(label), lower(entity_type), entity_id, occurred_at, coalesce(known_at, occurred_at)
    )
    {%- endif %}
{%- endmacro %}

{# A condition that holds for a time which no calendar of interest has; an infinite time has no year. #}
{% macro _is_no_time(column) -%}
    {{ return(column ~ ' is not null and coalesce(year(' ~ column ~ ') not between 1900 and 2100, true)') }}
{%- endmacro %}
