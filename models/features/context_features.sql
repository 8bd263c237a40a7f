{#
    What the contextual bandit reads of an exposure's properties: numbers, standardised; and of texts the most frequent
    values, as 1 or 0. At most maximum_context_features an experiment, beside the constant.
#}

with

experiments as (

    select * from {{ ref('int_experiments') }}

),

properties as (

    select * from {{ ref('int_decision_properties') }}

),

{# texts that read as numbers are codes where there are few of them #}
keys as (

    select
        experiment,
        key,
        count(number) = count(*) and (not bool_and(is_text) or count(distinct text) > 20) as is_number,
        count(distinct text) as value_count,
        sum(number order by decision_id) / count(*) as mean

    from properties
    group by experiment, key

),

chosen as (

    select keys.*

    from keys
    inner join experiments on keys.experiment = experiments.experiment
    where
        (keys.is_number or keys.value_count <= {{ var('maximum_context_values') }})
        and (
            coalesce(experiments.context, '') = ''
            or list_contains(string_split(experiments.context, '|'), keys.key)
        )
    qualify row_number() over (partition by keys.experiment order by keys.key) <= {{ var('maximum_context_keys') }}

),

numbers as (

    select
        chosen.experiment,
        chosen.key,
        cast(null as varchar) as level,
        any_value(chosen.mean) as center,
        sqrt(
            sum(pow(properties.number - chosen.mean, 2) order by properties.decision_id) / count(*)
        ) as scale,
        count(*) as row_count

    from chosen
    inner join properties on chosen.experiment = properties.experiment and chosen.key = properties.key
    where chosen.is_number
    group by chosen.experiment, chosen.key

),

levels as (

    select
        chosen.experiment,
        chosen.key,
        properties.text as level,
        cast(0 as double) as center,
        cast(1 as double) as scale,
        count(*) as row_count

    from chosen
    inner join properties on chosen.experiment = properties.experiment and chosen.key = properties.key
    where not chosen.is_number
    group by chosen.experiment, chosen.key, properties.text

),

ranked as (

    select * from numbers
    where scale > 0
    union all
    select * from levels
    qualify
        row_number() over (partition by experiment, key order by row_count desc, level asc) <= {{ var('maximum_context_levels') }}

),

kept as (

    select * from ranked
    qualify row_number() over (
        partition by experiment
        order by level is not null, row_count desc, key asc, level asc
    ) <= {{ var('maximum_context_features') }}

),

with_constant as (

    select
        experiment,
        key,
        level,
        center,
        scale

    from kept
    union all
    select distinct
        experiment,
        '' as key,
        cast(null as varchar) as level,
        cast(0 as double) as center,
        cast(1 as double) as scale

    from kept

),

features as (

    select
        experiment,
        cast(row_number() over (partition by experiment order by key, level) as integer) as place,
        key,
        level,
        center,
        scale

    from with_constant

)

select * from features
