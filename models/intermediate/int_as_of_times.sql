{#
    The newest as-of time is the day after the last day that is as dense as usual: alone, with 6 and with 27 days on either side
    it has more than a tenth of the interactions that nine of ten interactions have so near them, and within the 27 days more than
    a tenth of the days that have any. What lies after is dated wrongly, or not all there yet, and is not known before its time
    comes.
#}
{%- set dense_share = 0.1 %}

with

interactions as (

    select * from {{ ref('int_interactions') }}

),

days as (

    select
        cast(greatest(occurred_at, received_at) as date) as known_on,
        count(*) as interaction_count

    from interactions
    group by known_on

),

numbered as (

    select
        *,
        known_on - date '1970-01-01' as day_number

    from days

),

surrounded as (

    select
        *,
        sum(interaction_count) over (order by day_number range between 6 preceding and 6 following) as around_week,
        sum(interaction_count) over (order by day_number range between 27 preceding and 27 following) as around_month,
        count(*) over (order by day_number range between 27 preceding and 27 following) as days_around

    from numbered

),

summed as (

    select
        *,
        sum(interaction_count) over () as total,
        sum(interaction_count) over (order by interaction_count) as sparser_day,
        sum(interaction_count) over (order by around_week) as sparser_week,
        sum(interaction_count) over (order by around_month) as sparser_month,
        sum(interaction_count) over (order by days_around) as lonelier

    from surrounded

),

usual as (

    select
        min(interaction_count) filter (where 10 * sparser_day >= total) as in_day,
        min(around_week) filter (where 10 * sparser_week >= total) as around_week,
        min(around_month) filter (where 10 * sparser_month >= total) as around_month,
        min(days_around) filter (where 10 * lonelier >= total) as days_around

    from summed

),

dense as (

    select surrounded.known_on

    from surrounded
    inner join usual
        on
            surrounded.interaction_count > {{ dense_share }} * usual.in_day
            and surrounded.around_week > {{ dense_share }} * usual.around_week
            and surrounded.around_month > {{ dense_share }} * usual.around_month
            and surrounded.days_around > {{ dense_share }} * usual.days_around

),

last_days as (

    select coalesce((select max(dense.known_on) from dense), max(known_on)) as known_on
    from days

),

newest as (

    {%- if var('as_of') %}

    select cast(cast('{{ var("as_of") }}' as date) as timestamp) as as_of
    {%- else %}

    select cast(known_on + 1 as timestamp) as as_of
    from last_days
    {%- endif %}

),

bounds as (

    select
        min(interactions.occurred_at) as first_at,
        any_value(newest.as_of) as newest

    from interactions
    inner join newest on greatest(interactions.occurred_at, interactions.received_at) < newest.as_of

),

months as (

    select unnest(generate_series(date_trunc('month', first_at) + interval 1 month, newest, interval 1 month)) as as_of
    from bounds

),

as_of_times as (

    select as_of from months
    union
    select newest as as_of from bounds
    where newest is not null

)

select
    cast(as_of as timestamp) as as_of,
    as_of = max(as_of) over () as is_current
from as_of_times
