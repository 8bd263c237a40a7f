{#
    What is needed of a fitted model: model_version, status, score_sql, reasons_sql, features; of the version that the seed
    `routes` pins for the implementation, else of the version in use. An empty mapping while dbt only parses, or before the
    fitted model is built.

    Arguments:
        relation: the fitted model
        implementation: name of the scores, as in the seed; none for the model being built
#}
{% macro fitted_version(relation, implementation=none) -%}
    {%- do _expect('fitted_version', relation=['relation', relation]) -%}
    {%- set fitted, implementation = relation.schema ~ '.' ~ relation.identifier, implementation or own_name() -%}
    {{ return(scorehouse('fitted_version', relation=fitted, routes=ref('routes') | string, implementation=implementation) or {}) }}
{%- endmacro %}
