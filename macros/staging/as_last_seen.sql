{#
    Everything that the landing contract tells of many times, as it was last seen: one row for each value of the key, of each
    column, and each member of `properties`, the last value that is not NULL, as a whole select. By `updated_at`, else by when the file was written; rows that are
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
            {{ _members('properties') }} as members,
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
        {% if column == 'properties' -%}
        to_json(list_reduce(list(members order by place) filter (members is not null), lambda earlier, later: map_concat(earlier, later)))
        {%- else -%}
        max_by({{ column }}, place)
        {%- endif %} as {{ column }}
        {%- endfor %}

    from ordered
    group by {{ key }}
{%- endmacro %}


{# The members of a JSON object that are not null, as a map; what is no object is one member of its own name. #}
{% macro _members(column) -%}
    map_from_entries(list_filter(
        map_entries(coalesce(
            try_cast({{ column }} as map(varchar, json)),
            case when {{ column }} is not null then map {'{{ column }}': {{ column }}} end
        )),
        lambda member: json_type(member.value) <> 'NULL'
    ))
{%- endmacro %}
