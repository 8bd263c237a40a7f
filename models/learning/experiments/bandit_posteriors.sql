{#
    Per arm: beta posterior of the reward's probability, and Student's t posterior of the mean amount (normal-inverse-gamma
    prior at the experiment's mean and variance, worth one exposure). Sample `all` is served; `earlier_half` is what a policy
    is evaluated with on the later half.
#}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

arms as (

    select * from {{ ref('int_experiment_arms') }}

),

decisions as (

    select
        samples.sample,
        decisions.*

    from {{ ref('int_decisions') }} as decisions
    inner join (values ('all'), ('earlier_half')) as samples (sample)
        on samples.sample = 'all' or not decisions.is_later_half

),

{# sums in the order of rows: the same bytes in every build #}
counted as (

    select
        sample,
        experiment,
        variant,
        count(*) as exposure_count,
        count(*) filter (where reward_count > 0) as rewarded_count,
        sum(reward_amount order by occurred_at, decision_id) as amount,
        sum(reward_amount * reward_amount order by occurred_at, decision_id) as squared_amount

    from decisions
    group by sample, experiment, variant

),

pooled as (

    select
        sample,
        experiment,
        sum(amount order by variant) / sum(exposure_count) as mean_amount,
        greatest(
            sum(squared_amount order by variant) / sum(exposure_count)
            - (sum(amount order by variant) / sum(exposure_count)) * (sum(amount order by variant) / sum(exposure_count)),
            0
        ) as variance

    from counted
    group by sample, experiment

),

{# arms in force, and arms that were shown once #}
known as (

    select
        samples.sample,
        arms.experiment,
        arms.variant

    from arms
    cross join (values ('all'), ('earlier_half')) as samples (sample)
    union
    select
        sample,
        experiment,
        variant

    from counted

),

summed as (

    select
        known.sample,
        known.experiment,
        known.variant,
        coalesce(counted.exposure_count, 0) as exposure_count,
        coalesce(counted.rewarded_count, 0) as rewarded_count,
        coalesce(counted.amount, 0) as amount,
        coalesce(pooled.mean_amount, 0) as prior_amount,
        coalesce(nullif(pooled.variance, 0), 1) as prior_variance,
        coalesce(counted.amount / counted.exposure_count, 0) as mean_amount,
        greatest(coalesce(counted.squared_amount - counted.amount * counted.amount / counted.exposure_count, 0), 0)
            as squared_deviations

    from known
    left join counted
        on known.sample = counted.sample and known.experiment = counted.experiment and known.variant = counted.variant
    left join pooled on known.sample = pooled.sample and known.experiment = pooled.experiment

),

posteriors as (

    select
        ---------- ids
        summed.sample,
        summed.experiment,
        summed.variant,

        ---------- numerics
        summed.exposure_count,
        summed.rewarded_count,
        summed.amount as reward_amount,
        experiments.prior_successes + summed.rewarded_count as posterior_alpha,
        experiments.prior_failures + summed.exposure_count - summed.rewarded_count as posterior_beta,
        (summed.prior_amount + summed.amount) / (1 + summed.exposure_count) as amount_location,
        sqrt(
            (
                summed.prior_variance
                + summed.squared_deviations / 2
                + summed.exposure_count * pow(summed.mean_amount - summed.prior_amount, 2) / (2 * (1 + summed.exposure_count))
            ) / ((1 + summed.exposure_count / 2) * (1 + summed.exposure_count))
        ) as amount_scale,
        cast(2 + summed.exposure_count as double) as amount_degrees,

        ---------- booleans
        experiments.reward_kind = 'amount' as is_amount

    from summed
    inner join experiments on summed.experiment = experiments.experiment

)

select * from posteriors
