{#
    The row of the version that scores an implementation, as a relation: the one that the seed `routes` pins, else the one in use.

    Example:
        {{ served_version('churn__logistic', 'churn_risk__logistic') }}
        ->  "warehouse"."learning"."churn__logistic", or "history"."churn__logistic@0123456789ab" where that is pinned

    Arguments:
        model: name of a fitted model
        implementation: name of the scores, as in the seed
#}
{% macro served_version(model, implementation) -%}
    {%- do _expect('served_version', model=['fitted', model], implementation=['text', implementation]) -%}
    {%- set relation = ref(model) -%}
    {{- scorehouse(
        'served_version', relation=relation.schema ~ '.' ~ relation.identifier, routes=ref('routes') | string,
        implementation=implementation
    ) or relation -}}
{%- endmacro %}
