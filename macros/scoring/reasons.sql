{#
    The three features that moved a row's score most, largest first; an empty list where the model gives no exact terms.

    Example:
        {{ reasons('churn__logistic') }} as reasons

    Arguments:
        model: name of a fitted model; its features must be columns of the select
#}
{% macro reasons(model) -%}
    {%- do _expect('reasons', model=['fitted', model]) -%}
    {%- do function('score_model_reasons') -%}
    cast({{ fitted_version(ref(model)).reasons_sql or '[]' }} as struct(feature varchar, contribution double)[])
{%- endmacro %}
