{#
    What scoring needs of a fitted model: model_version, status, score_sql, reasons_sql; of the version that the seed
    `routes` pins for the model being built, else of the version in use. An empty mapping while dbt only parses, or before
    the fitted model is built.

    Arguments:
        relation: the fitted model
#}
{% macro fitted_version(relation) -%}
    {{ return(scorehouse('fitted_version', relation=relation.schema ~ '.' ~ relation.identifier, routes=ref('routes') | string, implementation=this.identifier) or {}) }}
{%- endmacro %}
