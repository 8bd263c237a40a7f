{#
    Everything that the landing contract tells of many times, as it was last seen: one row for each value of the key, of each
    column, and each member of `properties`, the last value that is not NULL, as a whole select. By `updated_at`, else by when the
    file was written; rows that are rejected do not count. What is no object is one member `properties`.

    Example:
        {{ as_last_seen('items', 'item_id', ['title', 'properties']) }}  ->  item_id, title, properties

    Arguments:
        table: items or customers
        key: its column that says what a row is about
        columns: those that are told of it, `properties` among them; the order among rows of one time and place
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

    ),

    members as (

        select
            {{ key }},
            place,
            unnest(map_entries(coalesce(
                try_cast(properties as map(varchar, json)),
                case when properties is not null then map(['properties'], [properties]) end
            ))) as member

        from ordered

    ),

    newest_members as (

        select
            {{ key }},
            member['key'] as name,
            max_by(member['value'], place) as value

        from members
        where json_type(member['value']) <> 'NULL'
        group by {{ key }}, name

    ),

    merged as (

        select
            {{ key }},
            to_json(map(list(name order by name), list(value order by name))) as properties

        from newest_members
        group by {{ key }}

    ),

    newest as (

        select
            {{ key }}
            {%- for column in columns if column != 'properties' %},
            max_by({{ column }}, place) as {{ column }}
            {%- endfor %}

        from ordered
        group by {{ key }}

    )

    select
        newest.*,
        merged.properties

    from newest
    left join merged on newest.{{ key }} = merged.{{ key }}
{%- endmacro %}
