{#
    Which results a search showed, at which position, and which of them were clicked. Its periods are weeks, of a log shorter than
    four of them days; the newest may not be whole, and counts with the one before it.
#}

with

interactions as (

    select
        *,
        lower(trim(query)) as query_text,
        coalesce(session_id, customer_id || ' ' || strftime(occurred_at, '%Y-%m-%d')) as visit

    from {{ ref('int_known_interactions') }}
    where interaction_type in ('impression', 'click') and item_id is not null

),

clicks as (

    select
        visit,
        item_id,
        query_text,
        occurred_at

    from interactions
    where interaction_type = 'click'

),

impressions as (

    select
        *,
        cast(occurred_at as date) as occurred_date

    from interactions
    where interaction_type = 'impression' and position >= 1 and coalesce(query_text, '') <> ''

),

periods as (

    select
        date_diff('day', min(occurred_date), max(occurred_date)) + 1 as days,
        if(days <= 28, 'day', 'week') as unit,
        greatest(max(occurred_date) - case when unit = 'week' then 6 when days > 2 then 1 else 0 end, min(occurred_date))
            as newest_date,
        cast(date_trunc(unit, newest_date) as timestamp) as newest_at

    from impressions

),

clicked as (

    select distinct impressions.interaction_id

    from impressions
    inner join clicks
        on
            impressions.visit = clicks.visit
            and impressions.item_id = clicks.item_id
            and coalesce(clicks.query_text, impressions.query_text) = impressions.query_text
            and impressions.occurred_at <= clicks.occurred_at
            and impressions.occurred_at + interval 1 day > clicks.occurred_at

),

search_impressions as (

    select
        ---------- ids
        impressions.interaction_id as impression_id,
        impressions.visit || ' ' || impressions.query_text as search_id,
        impressions.customer_id,
        impressions.item_id,

        ---------- strings
        impressions.query_text as query,

        ---------- numerics
        impressions.position,

        ---------- booleans
        clicked.interaction_id is not null as is_clicked,

        ---------- timestamps
        impressions.occurred_date,
        impressions.occurred_at,
        cast(least(date_trunc(periods.unit, impressions.occurred_at), periods.newest_at) as timestamp) as period_at

    from impressions
    cross join periods
    left join clicked on impressions.interaction_id = clicked.interaction_id

)

select * from search_impressions
