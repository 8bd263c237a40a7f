{# Clicks are weighted by one over the chance that their position was looked at (inverse propensity, Joachims et al., 2017). #}

with

search_impressions as (

    select * from {{ ref('search_impressions') }}

),

propensities as (

    select * from {{ ref('position_propensities') }}

),

snapshots as (

    select * from {{ ref('query_item_snapshots') }}
    where not is_current

),

examples as (

    select
        search_impressions.impression_id,
        search_impressions.search_id,
        search_impressions.customer_id,
        search_impressions.position,
        snapshots.log_item_rate,
        snapshots.log_pair_rate,
        snapshots.word_share,
        snapshots.title_similarity,
        snapshots.is_prefix,
        snapshots.log_price,
        cast(search_impressions.is_clicked as integer) as is_clicked,
        case when search_impressions.is_clicked then 1 / propensities.propensity else 1 end as weight,
        snapshots.as_of,
        search_impressions.period_at

    from search_impressions
    inner join propensities on search_impressions.position = propensities.position
    inner join snapshots
        on
            search_impressions.query = snapshots.query
            and search_impressions.item_id = snapshots.item_id
            and search_impressions.occurred_date = cast(snapshots.as_of as date)

)

select * from examples
