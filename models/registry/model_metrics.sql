with

versions as (

    select * from {{ ref('versions') }}

),

baselines as (

    select
        cast(null as varchar) as model,
        cast(null as varchar) as baseline,
        cast(null as varchar) as baseline_model
    where false
    {%- for one in fitted_baselines() %}
    union all
    select
        '{{ one.model }}' as model,
        '{{ one.baseline }}' as baseline,
        '{{ one.baseline_model }}' as baseline_model
    {%- endfor %}

),

{# of a baseline's versions with one and the same test, the one in use, or else the newest #}
baseline_versions as (

    select
        baselines.model,
        baselines.baseline,
        versions.test_from,
        versions.test_until,
        versions.test_count,
        arg_max(versions.model_version, (versions.is_current, versions.trained_at, versions.model_version)) as model_version

    from versions
    inner join baselines on versions.model = baselines.baseline_model
    group by all

),

measured as (

    select
        model,
        model_version,
        is_current,
        test_from,
        test_until,
        test_count,
        unnest(metrics, max_depth => 2)  -- noqa: AL03

    from versions

),

baseline_measured as (

    select
        baseline_versions.model,
        baseline_versions.baseline,
        baseline_versions.test_from,
        baseline_versions.test_until,
        baseline_versions.test_count,
        measured.split,
        measured.slice,
        measured.metric,
        measured.bin,
        measured.value

    from baseline_versions
    inner join measured on baseline_versions.model_version = measured.model_version

),

model_metrics as (

    select
        measured.model,
        measured.model_version,
        measured.is_current,
        measured.split,
        measured.slice,
        measured.metric,
        measured.bin,
        measured.value,
        measured.lower_bound,
        measured.upper_bound,
        baseline_measured.baseline,
        baseline_measured.value as baseline_value

    from measured
    left join baseline_measured
        on
            measured.model = baseline_measured.model
            and measured.test_from = baseline_measured.test_from
            and measured.test_until = baseline_measured.test_until
            and measured.test_count = baseline_measured.test_count
            and measured.split = baseline_measured.split
            and measured.slice = baseline_measured.slice
            and measured.metric = baseline_measured.metric
            and measured.bin is not distinct from baseline_measured.bin

)

select * from model_metrics
