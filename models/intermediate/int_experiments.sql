with

interactions as (

    select * from {{ ref('int_known_interactions') }}

),

declared_arms as (

    select * from {{ ref('experiment_arms') }}

),

settings as (

    select * rename (experiment as settings_row)
    from {{ ref('experiments') }}

),

known as (

    select experiment from interactions
    where experiment <> ''
    union
    select experiment from declared_arms

),

experiments as (

    select
        known.experiment,
        settings.*

    from known
    inner join settings on known.experiment = settings.settings_row or settings.settings_row = 'default'
    where
        settings.settings_row = known.experiment
        or known.experiment not in (select named.settings_row from settings as named)

)

select * from experiments
