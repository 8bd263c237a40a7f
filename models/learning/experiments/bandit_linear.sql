{# Per arm: ridge regression of the reward, less the experiment's mean, on the context; draws of its weights (LinTS). #}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

arms as (

    select * from {{ ref('int_experiment_arms') }}
    where is_enabled

),

places as (

    select
        experiment,
        place

    from {{ ref('context_features') }}

),

contexts as (

    select
        samples.sample,
        contexts.*

    from {{ ref('bandit_contexts') }} as contexts
    inner join (values ('all'), ('earlier_half')) as samples (sample)
        on samples.sample = 'all' or not contexts.is_later_half

),

means as (

    select
        sample,
        experiment,
        sum(reward order by decision_id) / count(*) as mean_reward,
        greatest(
            sum(reward * reward order by decision_id) / count(*)
            - (sum(reward order by decision_id) / count(*)) * (sum(reward order by decision_id) / count(*)),
            0
        ) as reward_variance

    from contexts
    group by sample, experiment

),

values_of as (

    select
        sample,
        experiment,
        variant,
        decision_id,
        reward,
        cast(unnest(features) as decimal(18, 6)) as value,
        unnest(range(1, len(features) + 1)) as place

    from contexts

),

nonzero as (

    select * from values_of
    where value <> 0

),

{# decimals add up exactly: the same bytes in every build #}
products as (

    select
        one.sample,
        one.experiment,
        one.variant,
        one.place,
        other.place as other_place,
        cast(sum(one.value * other.value) as double) as product

    from nonzero as one
    inner join nonzero as other
        on one.sample = other.sample and one.experiment = other.experiment and one.decision_id = other.decision_id
    group by one.sample, one.experiment, one.variant, one.place, other.place

),

targets as (

    select
        nonzero.sample,
        nonzero.experiment,
        nonzero.variant,
        nonzero.place,
        sum(
            cast(nonzero.value as double) * (nonzero.reward - means.mean_reward) order by nonzero.decision_id
        ) as target

    from nonzero
    inner join means on nonzero.sample = means.sample and nonzero.experiment = means.experiment
    group by nonzero.sample, nonzero.experiment, nonzero.variant, nonzero.place

),

grams as (

    select
        means.sample,
        arms.experiment,
        arms.variant,
        list(coalesce(products.product, 0) order by one.place, other.place) as gram

    from arms
    inner join means on arms.experiment = means.experiment
    inner join places as one on arms.experiment = one.experiment
    inner join places as other on arms.experiment = other.experiment
    left join products
        on
            means.sample = products.sample
            and arms.experiment = products.experiment
            and arms.variant = products.variant
            and one.place = products.place
            and other.place = products.other_place
    group by means.sample, arms.experiment, arms.variant

),

target_lists as (

    select
        means.sample,
        arms.experiment,
        arms.variant,
        list(coalesce(targets.target, 0) order by places.place) as target

    from arms
    inner join means on arms.experiment = means.experiment
    inner join places on arms.experiment = places.experiment
    left join targets
        on
            means.sample = targets.sample
            and arms.experiment = targets.experiment
            and arms.variant = targets.variant
            and places.place = targets.place
    group by means.sample, arms.experiment, arms.variant

),

solved as (

    select
        grams.sample,
        grams.experiment,
        grams.variant,
        {{ function('linear_draws') }}(
            grams.gram,
            target_lists.target,
            experiments.ridge_penalty,
            experiments.exploration * sqrt(means.reward_variance),
            cast(floor(1e9 * {{ function('stable_share') }}(grams.variant, grams.experiment)) as bigint),
            cast({{ var('context_draws') }} as bigint)
        ) as draws

    from grams
    inner join target_lists
        on
            grams.sample = target_lists.sample
            and grams.experiment = target_lists.experiment
            and grams.variant = target_lists.variant
    inner join means on grams.sample = means.sample and grams.experiment = means.experiment
    inner join experiments on grams.experiment = experiments.experiment

),

linear as (

    select
        sample,
        experiment,
        variant,
        cast(unnest(range(len(draws))) as integer) as draw,
        unnest(draws) as weights

    from solved

)

select * from linear
