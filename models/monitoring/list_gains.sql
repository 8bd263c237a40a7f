{#
    How well the version that serves now, or for times that it learned from what it was measured with, orders each list whose
    outcome is known, and how well its baseline does: of the first ten
    places, what was gained, less the lower the place (Järvelin, Kekäläinen (2002), Cumulated gain-based evaluation).
#}

with

versions as (

    select * from {{ ref('served_versions') }}

),

scored as (

    select
        cast(null as varchar) as implementation,
        cast(null as varchar) as list_id,
        cast(null as varchar) as item_id,
        cast(null as timestamp) as period_at,
        cast(null as double) as gain,
        cast(null as boolean) as is_held_out,
        cast(null as double) as held_out_score,
        cast(null as double) as baseline_score
    where false
    {%- for one in monitored() if one.lists %}
    union all
    select
        '{{ one.implementation }}' as implementation,
        cast({{ one.lists.list }} as varchar) as list_id,
        cast({{ one.lists.item }} as varchar) as item_id,
        cast({{ one.period }} as timestamp) as period_at,
        cast({{ one.lists.gain }} as double) as gain,
        {{ held_out_scores(one) }}
    from {{ ref(one.lists.examples) }}
    {%- endfor %}

),

{# what has no score stands last, as equal scores do by the item's name; an item that is listed twice stands twice at one place #}
placed as (

    select
        *,
        rank() over (list order by held_out_score desc nulls last, item_id asc) as place,
        rank() over (list order by baseline_score desc nulls last, item_id asc) as baseline_place,
        rank() over (list order by gain desc, item_id asc) as ideal_place

    from scored
    window list as (partition by implementation, period_at, list_id)

),

lists as (

    select
        implementation,
        list_id,
        period_at,
        bool_or(is_held_out) as is_held_out,
        coalesce({{ exact_sum('case when place <= 10 then gain / log2(place + 1) end') }}, 0) as gain,
        coalesce({{ exact_sum('case when baseline_place <= 10 then gain / log2(baseline_place + 1) end') }}, 0) as baseline_gain,
        {{ exact_sum('case when ideal_place <= 10 then gain / log2(ideal_place + 1) end') }} as ideal_gain

    from placed
    group by implementation, list_id, period_at
    having bool_or(gain > 0)

),

list_gains as (

    select
        lists.implementation,
        versions.model_version,
        lists.list_id,
        lists.period_at,
        not lists.is_held_out as is_trained_on,
        lists.gain,
        lists.baseline_gain,
        lists.ideal_gain

    from lists
    inner join versions on lists.implementation = versions.implementation
    where lists.period_at >= coalesce(versions.trained_from, lists.period_at)

)

select * from list_gains
