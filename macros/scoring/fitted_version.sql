{#
    What scoring needs of a fitted model: model_version, status, score_sql, reasons_sql;
    an empty mapping while dbt only parses, or before the model is built.

    Arguments:
        relation: the fitted model
#}
{% macro fitted_version(relation) -%}
    {{ return(scorehouse('fitted_version', relation=relation.schema ~ '.' ~ relation.identifier) or {}) }}
{%- endmacro %}
