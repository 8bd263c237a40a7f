with

posteriors as (

    select * from {{ ref('bandit_posteriors') }}
    where sample = 'all'

),

arms as (

    select * from {{ ref('int_experiment_arms') }}

),

wins as (

    select
        experiment,
        variant,
        count(*) as win_count

    from {{ ref('bandit_draws') }}
    where sample = 'all'
    group by experiment, variant

),

choices as (

    select
        experiment,
        variant,
        max(propensity) as propensity,
        count(*) filter (where reason = 'explored') / {{ var('variant_draws') }} as explored_share

    from {{ ref('variant_choices') }}
    group by experiment, variant

),

settings as (

    select * from {{ ref('int_experiments') }}

),

{# what an exposure to each arm earns, and what the arms earn that Thompson draws choose #}
means as (

    select
        posteriors.experiment,
        posteriors.variant,
        case settings.reward_kind
            when 'amount' then posteriors.amount_location
            else posteriors.posterior_alpha / (posteriors.posterior_alpha + posteriors.posterior_beta)
        end as mean_reward,
        coalesce(wins.win_count, 0) / {{ var('variant_draws') }} as best_probability

    from posteriors
    inner join settings on posteriors.experiment = settings.experiment
    left join wins on posteriors.experiment = wins.experiment and posteriors.variant = wins.variant

),

thompson as (

    select
        experiment,
        sum(best_probability * mean_reward order by variant) / nullif(sum(best_probability order by variant), 0) as mean_reward

    from means
    group by experiment

),

results as (

    select
        ---------- ids
        posteriors.experiment,
        posteriors.variant,

        ---------- numerics
        posteriors.exposure_count,
        posteriors.rewarded_count,
        posteriors.reward_amount,
        posteriors.posterior_alpha,
        posteriors.posterior_beta,
        posteriors.posterior_alpha / (posteriors.posterior_alpha + posteriors.posterior_beta) as reward_rate,
        {{ function('beta_quantile') }}(
            cast(0.025 as double), posteriors.posterior_alpha, posteriors.posterior_beta
        ) as reward_rate_lower,
        {{ function('beta_quantile') }}(
            cast(0.975 as double), posteriors.posterior_alpha, posteriors.posterior_beta
        ) as reward_rate_upper,
        posteriors.amount_location as mean_amount,
        posteriors.amount_location
        + posteriors.amount_scale
        * {{ function('student_quantile') }}(cast(0.025 as double), posteriors.amount_degrees) as mean_amount_lower,
        posteriors.amount_location
        + posteriors.amount_scale
        * {{ function('student_quantile') }}(cast(0.975 as double), posteriors.amount_degrees) as mean_amount_upper,
        means.best_probability,
        coalesce(choices.propensity, 0) as propensity,
        coalesce(choices.explored_share, 0) as explored_share,
        coalesce(choices.explored_share, 0) * (thompson.mean_reward - means.mean_reward) as floor_cost,

        ---------- booleans
        coalesce(arms.is_control, false) as is_control,
        coalesce(arms.is_enabled, false) as is_enabled,

        ---------- timestamps
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from posteriors
    left join arms on posteriors.experiment = arms.experiment and posteriors.variant = arms.variant
    left join means on posteriors.experiment = means.experiment and posteriors.variant = means.variant
    left join thompson on posteriors.experiment = thompson.experiment
    left join choices on posteriors.experiment = choices.experiment and posteriors.variant = choices.variant

)

select * from results
