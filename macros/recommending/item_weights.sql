{#
    Weights of a fitted recommender's usable version for items that may be recommended, as a whole select: one row a weight, with
    model_version, liked_item_id, item_id and value.

    Example:
        {{ item_weights('recommendation__item_item', 'similarity') }}

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
        part: similarity (from the liked item to the other) or popularity (where liked_item_id is NULL)
        is_wanted: false gives no rows
#}
{% macro item_weights(model, part, is_wanted=true) -%}
    {%- do _expect('item_weights', model=['fitted', model], part=[['similarity', 'popularity'], part]) -%}
    select
        weights.model_version,
        weights.input as liked_item_id,
        weights.output as item_id,
        weights.value
    from ({{ weights_of(model, part) }}) as weights
    anti join {{ ref('blocked_items') }} as blocked on weights.output = blocked.item_id
    {%- if not is_wanted %}
    where false
    {%- endif %}
{%- endmacro %}
