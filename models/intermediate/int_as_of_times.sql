{#
    The newest as-of time is the day after the last interaction; but the last hundredth of them, or fewer, that come more than a
    year after all others are dated wrongly, and are not known before their time comes.
#}

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

gaps as (

    select
        known_on,
        lead(known_on) over (order by known_on) - known_on as days_to_next,
        sum(interaction_count) over (order by known_on) / sum(interaction_count) over () as known_share

    from days

),

last_days as (

    select coalesce(min(known_on) filter (where days_to_next > 366 and known_share >= 0.99), max(known_on)) as known_on
    from gaps

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
