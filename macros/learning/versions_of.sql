{#
    All versions of fitted models, current and earlier, with `model` and `is_current`; one row is one version.

    Example:
        {{ versions_of(['churn__logistic', 'churn__boosted']) }}

    Arguments:
        models: names of fitted models
#}
{% macro versions_of(models) -%}
    {%- for model in models %}
    select
        versions.*,
        '{{ model }}' as model,
        versions.model_version = (select current_version.model_version from {{ ref(model) }} as current_version) as is_current
    from {{ history(ref(model).identifier) }} as versions
    {{ 'union all by name' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
