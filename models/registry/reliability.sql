{# What a reliability diagram shows: Murphy, Winkler (1977), Reliability of subjective probability forecasts. #}

with

measured as (

    select * from {{ ref('model_metrics') }}
    where slice = 'all' and bin is not null and starts_with(metric, 'calibration_')

),

bins as (

    select
        counts.model,
        counts.model_version,
        counts.is_current,
        counts.split,
        counts.bin,
        cast(counts.value as bigint) as row_count,
        coalesce(effective.value, counts.value) as effective_count,
        predicted.value as mean_predicted,
        observed.value as observed_share

    from measured as counts
    inner join measured as predicted
        on
            counts.model_version = predicted.model_version
            and counts.split = predicted.split
            and counts.bin = predicted.bin
            and predicted.metric = 'calibration_predicted'
    inner join measured as observed
        on
            counts.model_version = observed.model_version
            and counts.split = observed.split
            and counts.bin = observed.bin
            and observed.metric = 'calibration_observed'
    left join measured as effective
        on
            counts.model_version = effective.model_version
            and counts.split = effective.split
            and counts.bin = effective.bin
            and effective.metric = 'calibration_effective_count'
    where counts.metric = 'calibration_count'

),

reliability as (

    select
        *,
        {{ share_bounds('observed_share', 'effective_count') }}

    from bins

)

select * from reliability
