{#
    A row's score by a fitted model: its SQL expression over the features' columns, or the compiled scorer where SQL is not the
    way. NULL when the model has no usable version (its status is not 'ready').

    Example:
        {{ score('churn__logistic') }}  ->  1 / (1 + exp(-(...)))
        {{ score('churn__boosted') }}   ->  functions.score_model('churn__boosted@0123456789ab', {...})

    Arguments:
        model: name of a fitted model; its features must be columns of the select
#}
{% macro score(model) -%}
    {#- both references are made whatever the plan is: they put the model and the function into the lineage -#}
    {%- set version = fitted_version(ref(model)) -%}
    {%- set scorer = function('score_model') -%}
    {%- if version.sql_expression -%}
        {{ version.sql_expression }}
    {%- elif version.status == 'ready' -%}
        {{ scorer }}('{{ version.model_version }}', {{ version.struct_expression }})
    {%- else -%}
        cast(null as double)
    {%- endif -%}
{%- endmacro %}
