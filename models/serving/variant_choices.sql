{#
    A visitor's hash falls on one of an experiment's variant_draws rows. The first rows hold visitors out, the next give every arm
    its floor, the others are won in a Thompson draw; so an arm's share of the rows is the probability with which it is chosen.
#}
{%- set row_count = var('variant_draws') %}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

arms as (

    select * from {{ ref('int_experiment_arms') }}

),

draws as (

    select * from {{ ref('bandit_draws') }}
    where sample = 'all'

),

counted as (

    select
        experiment,
        max(variant) filter (where is_control) as control_variant,
        max(enabled_count) as enabled_count

    from arms
    group by experiment

),

controls as (

    select
        counted.*,
        experiments.is_stopped or counted.enabled_count = 0 as is_stopped,
        round({{ row_count }} * experiments.holdout_share) as held_out_count,
        case
            when counted.enabled_count = 0 then 0
            else least(
                ceil(round(experiments.floor * {{ row_count }}, 6)),
                floor(({{ row_count }} - round({{ row_count }} * experiments.holdout_share)) / counted.enabled_count)
            ) * counted.enabled_count
        end as explored_count

    from counted
    inner join experiments on counted.experiment = experiments.experiment

),

reasoned as (

    select
        controls.*,
        cast(rows_of.draw as integer) as draw,
        case
            when controls.is_stopped then 'stopped'
            when rows_of.draw < controls.held_out_count then 'held out'
            when rows_of.draw < controls.held_out_count + controls.explored_count then 'explored'
            else 'thompson'
        end as reason

    from controls
    cross join range({{ row_count }}) as rows_of (draw)

),

chosen as (

    select
        reasoned.experiment,
        reasoned.draw,
        case reasoned.reason
            when 'explored' then arms.variant
            when 'thompson' then draws.variant
            else reasoned.control_variant
        end as variant,
        reasoned.reason

    from reasoned
    left join arms
        on
            reasoned.experiment = arms.experiment
            and arms.is_enabled
            and reasoned.reason = 'explored'
            and arms.place = 1 + cast(reasoned.draw - reasoned.held_out_count as bigint) % nullif(reasoned.enabled_count, 0)
    left join draws on reasoned.experiment = draws.experiment and reasoned.draw = draws.draw

),

variant_choices as (

    select
        experiment,
        draw,
        variant,
        count(*) over (partition by experiment, variant) / {{ row_count }} as propensity,
        reason,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from chosen

)

select * from variant_choices
