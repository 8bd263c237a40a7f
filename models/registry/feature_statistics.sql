with

versions as (

    select * from {{ ref('versions') }}

),

feature_statistics as (

    select
        model,
        model_version,
        is_current,
        unnest(feature_statistics, max_depth => 2)  -- noqa: AL03

    from versions

)

select * from feature_statistics
