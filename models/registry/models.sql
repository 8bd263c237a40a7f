with

versions as (

    select * from {{ ref('model_versions') }}

),

decisions as (

    select
        model,
        max(decided_at) as decided_at,
        arg_max(decision, (decided_at, decision, reason)) as last_decision,
        arg_max(reason, (decided_at, decision, reason)) as last_reason

    from {{ ref('training_decisions') }}
    group by model

),

models as (

    select
        versions.model,
        max(versions.model_version) filter (where versions.is_current) as current_version,
        max(versions.status) filter (where versions.is_current) as status,
        max(versions.estimator) filter (where versions.is_current) as estimator,
        max(versions.task) filter (where versions.is_current) as task,
        count(*) as version_count,
        max(versions.trained_at) as last_trained_at,
        max(decisions.decided_at) as last_decided_at,
        max(decisions.last_decision) as last_decision,
        max(decisions.last_reason) as last_reason

    from versions
    left join decisions on versions.model = decisions.model
    group by versions.model

)

select * from models
