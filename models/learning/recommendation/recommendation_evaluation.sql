{{ config(enabled=var('evaluate_recommendations')) }}

with

versions as (

    select * from {{ ref('recommendation__evaluation') }}

),

unnested as (

    select unnest(metrics, max_depth => 2)  -- noqa: AL03
    from versions

),

metrics as (

    select
        split,
        slice as model,
        metric,
        value,
        '{{ var("interaction_sources") | join(", ") }}' as interaction_sources

    from unnested

)

select * from metrics
