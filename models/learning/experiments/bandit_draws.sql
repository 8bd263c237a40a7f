{#
    Thompson sampling, done beforehand: in each of variant_draws draws every enabled arm gets a value of its posterior, and the
    largest wins. The random numbers are hashes: an arm whose posterior stays keeps its values.
#}

with

arms as (

    select * from {{ ref('int_experiment_arms') }}
    where is_enabled

),

posteriors as (

    select * from {{ ref('bandit_posteriors') }}

),

shares as (

    select
        posteriors.*,
        draws.draw,
        greatest({{ function('stable_share') }}(
            concat_ws(':', posteriors.variant, draws.draw), posteriors.experiment
        ), 1e-12) as share

    from posteriors
    inner join arms on posteriors.experiment = arms.experiment and posteriors.variant = arms.variant
    cross join range({{ var('variant_draws') }}) as draws (draw)

),

valued as (

    select
        sample,
        experiment,
        variant,
        draw,
        case
            when is_amount then amount_location + amount_scale * {{ function('student_quantile') }}(share, amount_degrees)
            else {{ function('beta_quantile') }}(share, posterior_alpha, posterior_beta)
        end as value,
        share

    from shares

),

draws as (

    select
        sample,
        experiment,
        cast(draw as integer) as draw,
        variant,
        value

    from valued
    qualify row_number() over (partition by sample, experiment, draw order by value desc, share asc, variant asc) = 1

)

select * from draws
