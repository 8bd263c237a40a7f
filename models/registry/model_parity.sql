with

versions as (

    select * from {{ ref('versions') }}

),

model_parity as (

    select
        model,
        model_version,
        is_current,
        unnest(parity, max_depth => 2)  -- noqa: AL03

    from versions

)

select * from model_parity
