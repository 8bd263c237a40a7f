{#
    A relation of the branch's own history: `versions` of all fitted models, `decisions` about them, `gates` of the endpoints.
    Only views may read it, since it changes while a build runs.

    Example:
        select * from {{ history('decisions') }}

    Arguments:
        name: of the table
#}
{% macro history(name) -%}
    {{ api.Relation.create(database=target.database, schema='history', identifier=name) }}
{%- endmacro %}
