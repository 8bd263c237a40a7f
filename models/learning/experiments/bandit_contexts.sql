{# Features of every decision, in the order of their place. #}

with

decisions as (

    select * from {{ ref('int_decisions') }}

),

features as (

    select * from {{ ref('context_features') }}

),

properties as (

    select * from {{ ref('int_decision_properties') }}

),

contexts as (

    select
        decisions.experiment,
        decisions.decision_id,
        any_value(decisions.variant) as variant,
        any_value(decisions.reward) as reward,
        any_value(decisions.is_later_half) as is_later_half,
        list(
            case
                when features.key = '' then 1
                when features.level is null then coalesce(round((properties.number - features.center) / features.scale, 6), 0)
                else cast(coalesce(properties.text = features.level, false) as double)
            end
            order by features.place
        ) as features

    from decisions
    inner join features on decisions.experiment = features.experiment
    left join properties
        on
            decisions.experiment = properties.experiment
            and decisions.decision_id = properties.decision_id
            and features.key = properties.key
    group by decisions.experiment, decisions.decision_id

)

select * from contexts
