with

versions as (

    select * from {{ ref('model_versions') }}

),

decisions as (

    select
        model,
        max(decided_at) as decided_at,
        arg_max(decision, decided_at) as last_decision,
        arg_max(reason, decided_at) as last_reason

    from {{ ref('training_decisions') }}
    group by model

),

models as (

    select
        versions.model,
        any_value(versions.model_version) filter (where versions.is_current) as current_version,
        any_value(versions.status) filter (where versions.is_current) as status,
        any_value(versions.estimator) filter (where versions.is_current) as estimator,
        any_value(versions.task) filter (where versions.is_current) as task,
        count(*) as version_count,
        max(versions.trained_at) as last_trained_at,
        any_value(decisions.decided_at) as last_decided_at,
        any_value(decisions.last_decision) as last_decision,
        any_value(decisions.last_reason) as last_reason

    from versions
    left join decisions on versions.model = decisions.model
    group by versions.model

)

select * from models
