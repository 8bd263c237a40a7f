with

versions as (

    select * from {{ ref('versions') }}

),

model_metrics as (

    select
        model,
        model_version,
        is_current,
        unnest(metrics, max_depth => 2)  -- noqa: AL03

    from versions

)

select * from model_metrics
