{#
    A row's score by a fitted model: a SQL expression over the features' columns, or the compiled scorer where that is
    cheaper or SQL is not the way. NULL when the model has no usable version (its status is not 'ready').

    Example:
        {{ score('churn__logistic') }}  ->  1 / (1 + exp(-(...)))
        {{ score('churn__boosted') }}   ->  score_model('churn__boosted@0123456789ab', {...})

    Arguments:
        model: name of a fitted model; its features must be columns of the select
        empty: what stands for the score without a usable version
        implementation: name of the scores for which the seed `routes` may pin a version; none for the model being built
        measured: whether by what its metrics were measured with, which did not know the test, NULL where it learned from all times;
            else by what serves
#}
{% macro score(model, empty='cast(null as double)', implementation=none, measured=false) -%}
    {%- do _expect('score', model=['fitted', model], empty=['text', empty]) -%}
    {%- do function('score_model') -%}
    {%- do function('score_model_parts') -%}
    {%- set version = fitted_version(ref(model), implementation) -%}
    {{ (version.measured_sql if measured else version.score_sql) or empty }}
{%- endmacro %}
