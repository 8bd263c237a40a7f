with

versions as (

    select * from {{ ref('versions') }}

),

scoring_plans as (

    select
        model,
        model_version,
        is_current,
        unnest(scoring_plans, max_depth => 2)  -- noqa: AL03

    from versions

)

select * from scoring_plans
