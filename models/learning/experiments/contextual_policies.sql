{#
    Linear Thompson sampling learned from the earlier half of a log: with what probability it chooses each arm, on at most
    evaluated_decisions decisions of the later half.
#}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

arms as (

    select * from {{ ref('int_experiment_arms') }}
    where is_enabled

),

linear as (

    select * from {{ ref('bandit_linear') }}
    where sample = 'earlier_half'

),

contexts as (

    select * from {{ ref('bandit_contexts') }}
    where is_later_half
    qualify row_number() over (
        partition by experiment
        order by {{ function('stable_share') }}(decision_id, 'evaluation'), decision_id
    ) <= {{ var('evaluated_decisions') }}

),

{# many visitors have the same context #}
distinct_contexts as (

    select distinct
        experiment,
        features

    from contexts

),

winners as (

    select
        distinct_contexts.experiment,
        distinct_contexts.features,
        linear.draw,
        arg_max(linear.variant, (list_dot_product(distinct_contexts.features, linear.weights), linear.variant)) as variant

    from distinct_contexts
    inner join linear on distinct_contexts.experiment = linear.experiment
    group by distinct_contexts.experiment, distinct_contexts.features, linear.draw

),

wins as (

    select
        experiment,
        features,
        variant,
        count(*) as win_count

    from winners
    group by experiment, features, variant

),

policies as (

    select
        contexts.experiment,
        'linear' as policy,
        contexts.decision_id,
        arms.variant,
        least(experiments.floor, 1 / arms.enabled_count)
        + greatest(1 - experiments.floor * arms.enabled_count, 0)
        * coalesce(wins.win_count, 0) / {{ var('context_draws') }} as probability

    from contexts
    inner join arms on contexts.experiment = arms.experiment
    inner join experiments on contexts.experiment = experiments.experiment
    left join wins
        on
            contexts.experiment = wins.experiment
            and contexts.features = wins.features
            and arms.variant = wins.variant
    {# without an earlier half nothing is learned #}
    where contexts.experiment in (select linear.experiment from linear)

)

select * from policies
