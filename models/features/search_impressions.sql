{# Which results a search showed, at which position, and which of them were clicked. #}

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
        ntile(10) over (order by occurred_at, interaction_id) as period

    from interactions
    where interaction_type = 'impression' and position >= 1 and coalesce(query_text, '') <> ''

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
        cast(impressions.occurred_at as date) as occurred_date,
        impressions.occurred_at,
        {# ten periods of equal size, named by their first moment: the later-in-time split counts in them #}
        cast(min(impressions.occurred_at) over (partition by impressions.period) as timestamp) as period_at

    from impressions
    left join clicked on impressions.interaction_id = clicked.interaction_id

)

select * from search_impressions
