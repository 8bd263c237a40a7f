{#
    Names of a relation's columns beyond the declared ones, quoted; none while dbt only parses.

    Example:
        {{ extra_columns(source('landing', 'interactions'), ['interaction_id', ...]) }}  ->  ['"campaign"', '"device"']

    Arguments:
        relation: any relation
        declared: names that do not count
#}
{% macro extra_columns(relation, declared) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) if column.name | lower not in declared -%}
            {%- do found.append(adapter.quote(column.name | replace('"', '""'))) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}
