{#
    What is popular now among items that may be recommended, by the trend that a fitted recommender's usable version holds, as a
    whole select: model_version, item_id and value, above 0. Counted from the days of items, so that it is of today whenever the
    version was fitted; the same formula as scorehouse.recommending.weights.Trend. What is added and compared are decimals, so that
    the order of rows does not matter.

    Example:
        {{ item_popularities('recommendation__popular') }}

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
        is_wanted: false gives no rows
#}
{% macro item_popularities(model, is_wanted=true) -%}
    {%- do _expect('item_popularities', model=['fitted', model]) -%}
    select
        scaled.model_version,
        scaled.item_id,
        scaled.value
    from (
        select
            counted.model_version,
            counted.item_id,
            round(
                cast(counted.total as double) * (cast(counted.largest as double) / cast(max(counted.total) over () as double)),
                {{ var('recommendation_decimals') }}
            ) as value
        from (
            select
                item_days.item_id,
                max(trend.model_version) as model_version,
                max(trend.largest) as largest,
                cast(
                    sum(
                        cast(
                            item_days.liking * coalesce(power(2, -item_days.age_days / trend.half_life_days), 1) as decimal(38, 18)
                        )
                    ) as decimal(38, 15)
                ) as total
            from {{ ref('item_days') }} as item_days
            cross join (
                select
                    max(model_version) as model_version,
                    max(cast(value as decimal(18, 9))) filter (where input = 'largest') as largest,
                    max(cast(value as decimal(18, 9))) filter (where input = 'half_life_days') as half_life_days,
                    max(cast(value as decimal(18, 9))) filter (where input = 'window_days') as window_days
                from ({{ weights_of(model, 'trend') }})
            ) as trend
            where item_days.age_days <= coalesce(trend.window_days, item_days.age_days)
            group by item_days.item_id
        ) as counted
        where counted.total > 0 and counted.largest > 0
    ) as scaled
    anti join {{ ref('blocked_items') }} as blocked on scaled.item_id = blocked.item_id
    where scaled.value > 0{{ '' if is_wanted else ' and false' }}
{%- endmacro %}
