{#
    A table of the branch's own history: `decisions`, `gates`, or all versions of a fitted model by its name.

    Example:
        select * from {{ history('decisions') }}

    Arguments:
        name: of the table
#}
{% macro history(name) -%}
    {{ api.Relation.create(database=target.database, schema='history', identifier=name) }}
{%- endmacro %}
