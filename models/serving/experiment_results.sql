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
        max(propensity) as propensity

    from {{ ref('variant_choices') }}
    group by experiment, variant

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
        coalesce(wins.win_count, 0) / {{ var('variant_draws') }} as best_probability,
        coalesce(choices.propensity, 0) as propensity,

        ---------- booleans
        coalesce(arms.is_control, false) as is_control,
        coalesce(arms.is_enabled, false) as is_enabled,

        ---------- timestamps
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from posteriors
    left join arms on posteriors.experiment = arms.experiment and posteriors.variant = arms.variant
    left join wins on posteriors.experiment = wins.experiment and posteriors.variant = wins.variant
    left join choices on posteriors.experiment = choices.experiment and posteriors.variant = choices.variant

)

select * from results
