with

features as (

    select
        experiment,
        place,
        key,
        level,
        center,
        scale,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from {{ ref('context_features') }}

)

select * from features
