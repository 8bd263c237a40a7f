{#
    The weights of a fitted model's usable version, as a whole select: one row a weight, with `model_version`.

    Example:
        {{ weights_of('recommendation__item_item', 'similarity') }}

    Arguments:
        model: name of a fitted model
        part: which of its weights, as in registry.model_weights
#}
{% macro weights_of(model, part) -%}
    {%- do _expect('weights_of', model=['fitted', model], part=['text', part]) -%}
    select weights.*
    from (
        select
            model_version,
            unnest(weights, max_depth => 2)
        from {{ ref(model) }}
        where status = 'ready'
    ) as weights
    where weights.part = '{{ part }}'
{%- endmacro %}
