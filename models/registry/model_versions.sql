with

versions as (

    select * from {{ ref('versions') }}

),

decisions as (

    select
        trained_version as model_version,
        arg_max(decision, (decided_at, decision, reason)) as decision,
        arg_max(reason, (decided_at, decision, reason)) as reason
    from {{ ref('training_decisions') }}
    where trained_version is not null
    group by trained_version

),

gates as (

    select
        model_version,
        string_agg(reason, '; ' order by endpoint, reason) as reason
    from {{ ref('model_gates') }}
    where status = 'rejected'
    group by model_version

),

model_versions as (

    select
        versions.model_version,
        versions.model,
        case
            when versions.status = 'ready' and (gates.model_version is not null or decisions.decision = 'alarm')
                then 'rejected'
            else versions.status
        end as status,
        coalesce(gates.reason, case when decisions.decision = 'alarm' then decisions.reason end, versions.status_reason)
            as status_reason,
        versions.is_current,
        versions.fingerprint,
        versions.examples_fingerprint,
        versions.estimator,
        versions.task,
        versions.spec,
        coalesce(versions.test_until, versions.train_until) as as_of,
        versions.train_from,
        versions.train_until,
        versions.measured_until,
        versions.test_from,
        versions.test_until,
        versions.example_count,
        versions.train_count,
        versions.test_count,
        versions.plan,
        len(versions.weights) as weight_count,
        versions.chosen_parameters,
        versions.library_versions,
        versions.trained_at

    from versions
    left join decisions on versions.model_version = decisions.model_version
    left join gates on versions.model_version = gates.model_version

)

select * from model_versions
