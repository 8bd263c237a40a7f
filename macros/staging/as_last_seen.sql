{#
    Everything that a source tells of many times, as it was last seen: one row for each value of the key, of each column the last
    value that is not NULL, as a whole select. By `updated_at`, else by when the file was written; rows without a key, or with a
    cell that cannot be read, do not count.

    Example:
        {{ as_last_seen(source('landing', 'items'), 'item_id', ['title', 'price']) }}  ->  item_id, title, price

    Arguments:
        relation: a source of the landing contract
        key: its column that says what a row is about
        columns: those that are told of it; the order among rows of one time and place
#}
{% macro as_last_seen(relation, key, columns) -%}
    {%- do _expect('as_last_seen', relation=['table', relation], key=['column', key], columns=['columns', columns]) -%}
    with

    usable as (

        select * from {{ relation }}
        where {{ key }} is not null and unreadable_column is null

    ),

    ordered as (

        select
            *,
            row_number() over (
                partition by {{ key }}
                order by
                    coalesce(updated_at, written_at), written_at, source_file, source_line, {{ columns | join(', ') }}
            ) as place

        from usable

    )

    select
        {{ key }}
        {%- for column in columns %},
        max_by({{ column }}, place) as {{ column }}
        {%- endfor %}

    from ordered
    group by {{ key }}
{%- endmacro %}
