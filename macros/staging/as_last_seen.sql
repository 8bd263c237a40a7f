{#
    Everything that the landing contract tells of many times, as it was last seen: one row for each value of the key, of each
    column the last value that is not NULL, as a whole select. By `updated_at`, else by when the file was written; rows that are
    rejected do not count.

    Example:
        {{ as_last_seen('items', 'item_id', ['title', 'price']) }}  ->  item_id, title, price

    Arguments:
        table: items or customers
        key: its column that says what a row is about
        columns: those that are told of it; the order among rows of one time and place
#}
{% macro as_last_seen(table, key, columns) -%}
    {%- do _expect('as_last_seen', table=[['items', 'customers'], table], key=['column', key], columns=['columns', columns]) -%}
    with

    judged as (

        {{ judged(table) | indent(8) }}

    ),

    ordered as (

        select
            *,
            row_number() over (
                partition by {{ key }}
                order by
                    coalesce(updated_at, written_at), written_at, source_file, source_line, {{ columns | join(', ') }}
            ) as place

        from judged
        where rejection_reason is null

    )

    select
        {{ key }}
        {%- for column in columns %},
        max_by({{ column }}, place) as {{ column }}
        {%- endfor %}

    from ordered
    group by {{ key }}
{%- endmacro %}
