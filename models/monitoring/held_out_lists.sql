{#
    What training measured of models whose lists only time can judge: how well the same declaration, fitted on what lies before the
    newest days, ordered what customers took in them, and how well its baseline did on the same.
#}

with

tests as (

    select
        cast(null as varchar) as implementation,
        cast(null as varchar) as model_version,
        cast(null as timestamp) as period_at,
        cast(null as map(varchar, double)) as measured,  -- noqa: LT01
        cast(null as map(varchar, double)) as baseline_measured  -- noqa: LT01
    where false
    {%- for one in monitored() if not one.snapshots %}
    {%- set measured = 'map_from_entries(list_transform({}.metrics, lambda one: (one.metric, one.value)))' %}
    union all
    select
        '{{ one.implementation }}' as implementation,
        version.model_version,
        version.test_from as period_at,
        {{ measured.format('version') }} as measured,
        {%- if one.baseline.model is defined %}
        {{ measured.format('baseline') }} as baseline_measured
        {%- else %}
        cast(null as map(varchar, double)) as baseline_measured  -- noqa: LT01
        {%- endif %}
    from {{ served_version(one.model, one.implementation) }} as version
    {%- if one.baseline.model is defined %}
    left join {{ served_version(one.baseline.model, one.baseline.name) }} as baseline
        on version.test_from = baseline.test_from and version.test_until = baseline.test_until and baseline.status = 'ready'
    {%- endif %}
    where version.status = 'ready' and version.test_from is not null
    {%- endfor %}

),

held_out_lists as (

    select
        implementation,
        model_version,
        period_at,
        cast(measured['customers'] as bigint) as list_count,
        measured['ndcg_at_10'] as ndcg,
        measured['ndcg_at_10_error'] as standard_error,
        baseline_measured['ndcg_at_10'] as baseline_ndcg,
        baseline_measured['ndcg_at_10_error'] as baseline_standard_error

    from tests
    where measured['ndcg_at_10'] is not null

)

select * from held_out_lists
