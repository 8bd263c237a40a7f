{# How likely a result at each position is looked at, against the first: from queries and items that were shown at two
   neighbouring positions, so that what is shown there cannot matter (Agarwal et al., WSDM 2019). Only what lies before
   the later-in-time test counts. #}

with

search_impressions as (

    select * from {{ ref('search_impressions') }}

),

earlier_impressions as (

    select * from search_impressions
    qualify period_at < max(period_at) over ()

),

shown as (

    select
        query,
        item_id,
        position,
        count(*) as impression_count,
        count(*) filter (where is_clicked) as click_count

    from earlier_impressions
    group by query, item_id, position

),

neighbours as (

    select
        lower_place.position,
        sum(
            least(upper_place.impression_count, lower_place.impression_count)
            * upper_place.click_count / upper_place.impression_count
            order by upper_place.query, upper_place.item_id
        ) as upper_clicks,
        sum(
            least(upper_place.impression_count, lower_place.impression_count)
            * lower_place.click_count / lower_place.impression_count
            order by upper_place.query, upper_place.item_id
        ) as lower_clicks

    from shown as upper_place
    inner join shown as lower_place
        on
            upper_place.query = lower_place.query
            and upper_place.item_id = lower_place.item_id
            and upper_place.position + 1 = lower_place.position
    group by lower_place.position

),

positions as (

    select
        position,
        count(*) as impression_count

    from search_impressions
    group by position

),

{# too few clicks to compare: 1 / position, the usual prior; one click of that prior smooths the others #}
ratios as (

    select
        positions.position,
        positions.impression_count,
        case
            when positions.position = 1 then 1
            else
                (coalesce(neighbours.lower_clicks, 0) + (positions.position - 1) / positions.position)
                / (coalesce(neighbours.upper_clicks, 0) + 1)
        end as ratio

    from positions
    left join neighbours on positions.position = neighbours.position

),

propensities as (

    select
        position,
        impression_count,
        greatest(exp(sum(ln(least(ratio, 1))) over (order by position)), {{ var('smallest_look_chance') }}) as propensity

    from ratios

)

select * from propensities
