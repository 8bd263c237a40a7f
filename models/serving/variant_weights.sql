with

weights as (

    select
        experiment,
        variant,
        draw,
        weights,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from {{ ref('bandit_linear') }}
    where sample = 'all'

)

select * from weights
