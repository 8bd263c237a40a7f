{#
    The fitted models whose scores declare a baseline that is fitted too (`meta.monitoring`, see `monitored`), with it; none while dbt
    only parses. A model whose scores are several has the baseline of the first by name.

    Example:
        {%- for one in fitted_baselines() %} ... {{ one.model }} ... {%- endfor %}
        ->  {'model': 'churn__logistic', 'baseline': 'churn_risk__recency', 'baseline_model': 'churn__recency'}, ...
#}
{% macro fitted_baselines() -%}
    {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list if execute else [] -%}
    {%- set scores = nodes | selectattr('config.meta.monitoring', 'defined') | sort(attribute='name') -%}
    {%- set model_of = {} -%}
    {%- for node in scores -%}
        {%- do model_of.update({node.name: node.config.meta.monitoring.model}) -%}
    {%- endfor -%}
    {%- set found = {} -%}
    {%- for node in scores -%}
        {%- set declared = node.config.meta.monitoring -%}
        {%- if declared.baseline is string and declared.baseline in model_of -%}
            {%- do found.setdefault(declared.model, {
                'model': declared.model, 'baseline': declared.baseline, 'baseline_model': model_of[declared.baseline],
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.values() | list) }}
{%- endmacro %}
