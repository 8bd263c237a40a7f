{#
    Name of the model being built, as in ref() and the seed `routes`, whatever its alias.

    Example:
        {{ own_name() }}  ->  churn_risk__logistic
#}
{% macro own_name() -%}
    {{ return(model.name if model.resource_type == 'model' else this.identifier) }}
{%- endmacro %}
