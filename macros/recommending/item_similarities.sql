{#
    Similarities of a fitted recommender's usable version to items that are there and may be recommended, as a whole select:
    model_version, liked_item_id, item_id and value.

    Example:
        {{ item_similarities('recommendation__item_item') }}

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
        is_wanted: false gives no rows
#}
{% macro item_similarities(model, is_wanted=true) -%}
    {%- do _expect('item_similarities', model=['fitted', model]) -%}
    select
        weights.model_version,
        weights.input as liked_item_id,
        weights.output as item_id,
        weights.value
    from ({{ weights_of(model, 'similarity') }}) as weights
    {#- a version outlives items whose interactions are withdrawn #}
    semi join {{ ref('item_days') }} as item_days on weights.output = item_days.item_id
    anti join {{ ref('blocked_items') }} as blocked on weights.output = blocked.item_id
    {%- if not is_wanted %}
    where false
    {%- endif %}
{%- endmacro %}
