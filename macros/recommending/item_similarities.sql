{#
    Similarities of a fitted recommender's usable version to items that are there and may be recommended, as a whole select:
    model_version, liked_item_id, item_id and value.

    Example:
        {{ item_similarities('recommendation__item_item') }}

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
#}
{% macro item_similarities(model) -%}
    {%- do _expect('item_similarities', model=['fitted', model]) -%}
    select
        weights.model_version,
        weights.input as liked_item_id,
        weights.output as item_id,
        weights.value
    from ({{ weights_of(model, 'similarity') }}) as weights
    {#- a version outlives items whose interactions are withdrawn #}
    semi join {{ ref('recommendable_items') }} as recommendable on weights.output = recommendable.item_id
{%- endmacro %}
