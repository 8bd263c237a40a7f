{#
    What is popular now among items that may be recommended, by the trend that a fitted recommender's usable version holds, as a
    whole select: model_version, item_id, category, popularity above 0, place, category_place (1 for the most popular, and without a
    category) and free_place (the place among items of which each category has no more than the policy allows). Counted from the days
    of items, so that it is of today whenever the version was fitted; the same formula as scorehouse.recommending.weights.Trend. What
    is added and compared are decimals, so that the order of rows does not matter. A popularity is a whole number of the last decimal
    that weights have.

    Example:
        {{ item_popularities('recommendation__popular') }}

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
#}
{% macro item_popularities(model) -%}
    {%- do _expect('item_popularities', model=['fitted', model]) -%}
    {%- set decimals = var('recommendation_decimals') -%}
    select
        placed.*,
        case
            when placed.category_place <= policy.maximum_per_category
                then row_number() over (
                    partition by placed.category_place <= policy.maximum_per_category
                    order by placed.place
                )
        end as free_place
    from (
        select
            scaled.model_version,
            scaled.item_id,
            items.category,
            cast(round(scaled.value * 1e{{ decimals }}) as bigint) as popularity,
            row_number() over (order by scaled.value desc, scaled.item_id desc) as place,
            {#- an item without a category is alone in its own #}
            row_number() over (
                partition by items.category, case when items.category is null then scaled.item_id end
                order by scaled.value desc, scaled.item_id desc
            ) as category_place
        from (
            select
                counted.model_version,
                counted.item_id,
                {#- what was liked long ago is still an item that a list may end with #}
                greatest(
                    round(
                        cast(counted.total as double)
                        * (cast(counted.largest as double) / nullif(cast(max(counted.total) over () as double), 0)),
                        {{ decimals }}
                    ),
                    1e-{{ decimals }}
                ) as value
            from (
                select
                    item_days.item_id,
                    max(trend.model_version) as model_version,
                    max(trend.largest) as largest,
                    max(item_days.liking) as liking,
                    cast(
                        sum(
                            cast(
                                case when trend.of_new = 1 then item_days.new_liking else item_days.liking end
                                * coalesce(power(2, -item_days.age_days / trend.half_life_days), 1) as decimal(38, 18)
                            )
                        ) as decimal(38, 15)
                    ) as total
                from {{ ref('item_days') }} as item_days
                cross join (
                    select
                        max(model_version) as model_version,
                        max(cast(value as decimal(18, 9))) filter (where input = 'largest') as largest,
                        max(cast(value as decimal(18, 9))) filter (where input = 'half_life_days') as half_life_days,
                        max(cast(value as decimal(18, 9))) filter (where input = 'window_days') as window_days,
                        max(cast(value as decimal(18, 9))) filter (where input = 'of_new') as of_new
                    from ({{ weights_of(model, 'trend') }})
                ) as trend
                where item_days.age_days <= coalesce(trend.window_days, item_days.age_days)
                group by item_days.item_id
            ) as counted
            where counted.liking > 0 and counted.largest > 0
        ) as scaled
        semi join {{ ref('recommendable_items') }} as recommendable on scaled.item_id = recommendable.item_id
        left join {{ ref('int_items') }} as items on scaled.item_id = items.item_id
    ) as placed
    cross join {{ ref('recommendation_policy') }} as policy
    where policy.policy = 'default'
{%- endmacro %}
