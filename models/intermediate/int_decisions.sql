{#
    What an experiment showed, and what came of it. A reward belongs to the exposure that its `properties.exposure_id` names;
    else to the customer's latest exposure before it, within attribution_hours and in the same visit if there is one. Where
    both name an experiment, an arm or an item, these must agree.
#}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

{# read twice, each time few of them: all are never held #}
interactions as not materialized (

    select * from {{ ref('int_known_interactions') }}

),

exposures as (

    select
        interactions.*,
        experiments.reward_types,
        experiments.reward_kind,
        experiments.attribution_hours,
        list_position(string_split(experiments.exposure_types, '|'), interactions.interaction_type) as place

    from interactions
    inner join experiments on interactions.experiment = experiments.experiment
    where
        interactions.variant <> ''
        and list_contains(string_split(experiments.exposure_types, '|'), interactions.interaction_type)
        and interactions.occurred_at + to_seconds(experiments.maturity_hours * 3600) <= {{ as_of() }}
    qualify place = min(place) over (partition by interactions.experiment)

),

rewards as (

    select
        *,
        properties ->> '$.exposure_id' as exposure_id,
        cast(case when interaction_type in ('cancel', 'refund') then -amount else amount end as decimal(38, 6)) as signed_amount

    from interactions
    where interaction_type in (select unnest(string_split(experiments.reward_types, '|')) from experiments)

),

named_by_id as (

    select
        rewards.interaction_id,
        rewards.signed_amount,
        exposures.interaction_id as decision_id

    from rewards
    inner join exposures on rewards.exposure_id = exposures.interaction_id
    where
        list_contains(string_split(exposures.reward_types, '|'), rewards.interaction_type)
        and coalesce(rewards.experiment = exposures.experiment, true)

),

latest_before as (

    select
        rewards.interaction_id,
        rewards.signed_amount,
        exposures.interaction_id as decision_id

    from rewards
    inner join exposures
        on
            rewards.customer_id = exposures.customer_id
            and rewards.occurred_at >= exposures.occurred_at
    where
        rewards.exposure_id is null
        and rewards.interaction_id <> exposures.interaction_id
        and rewards.occurred_at <= exposures.occurred_at + to_seconds(exposures.attribution_hours * 3600)
        and list_contains(string_split(exposures.reward_types, '|'), rewards.interaction_type)
        and coalesce(rewards.experiment = exposures.experiment, true)
        and coalesce(rewards.variant = exposures.variant, true)
        and coalesce(rewards.item_id = exposures.item_id, true)
    qualify row_number() over (
        partition by rewards.interaction_id, exposures.experiment
        order by
            coalesce(rewards.session_id = exposures.session_id, false) desc,
            exposures.occurred_at desc,
            exposures.interaction_id asc
    ) = 1

),

rewarded as (

    select * from named_by_id
    union all
    select * from latest_before

),

attributed as (

    select
        decision_id,
        count(*) as reward_count,
        cast(coalesce(sum(signed_amount), 0) as double) as reward_amount

    from rewarded
    group by decision_id

),

decisions as (

    select
        ---------- ids
        exposures.interaction_id as decision_id,
        exposures.customer_id,

        ---------- strings
        exposures.experiment,
        exposures.variant,
        coalesce(cast(exposures.position as varchar), '') as slot,

        ---------- numerics
        case
            when exposures.propensity > 0 and exposures.propensity <= 1 then exposures.propensity
            else
                count(*) over (partition by exposures.experiment, exposures.variant)
                / count(*) over (partition by exposures.experiment)
        end as propensity,
        coalesce(attributed.reward_count, 0) as reward_count,
        coalesce(attributed.reward_amount, 0) as reward_amount,
        case
            when exposures.reward_kind = 'amount' then coalesce(attributed.reward_amount, 0)
            else cast(attributed.reward_count is not null as double)
        end as reward,
        exposures.properties,

        ---------- booleans
        coalesce(exposures.propensity > 0 and exposures.propensity <= 1, false) as is_propensity_logged,
        2 * row_number() over (
            partition by exposures.experiment
            order by exposures.occurred_at, exposures.interaction_id
        ) > count(*) over (partition by exposures.experiment) as is_later_half,

        ---------- timestamps
        exposures.occurred_at

    from exposures
    left join attributed on exposures.interaction_id = attributed.decision_id

)

select * from decisions
