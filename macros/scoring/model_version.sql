{#
    Name of a fitted model's version, as text.

    Example:
        {{ model_version('churn__logistic') }}  ->  'churn__logistic@0123456789ab'

    Arguments:
        model: name of a fitted model
#}
{% macro model_version(model) -%}
    {%- do _expect('model_version', model=['fitted', model]) -%}
    '{{ fitted_version(ref(model)).model_version }}'
{%- endmacro %}
