{# What was known of a query and an item before each day on which the item was shown for the query, and now. Clicks count
   against how often the position was looked at, so an item is not better for having stood higher. #}

with

search_impressions as (

    select * from {{ ref('search_impressions') }}

),

propensities as (

    select * from {{ ref('position_propensities') }}

),

known_items as (

    select
        item_id,
        lower(title) as title,
        case when price > 0 then cast(ln(price) as decimal(38, 12)) end as log_price

    from {{ ref('int_items') }}

),

{# against the usual price, so that the currency does not matter; sums of decimals are exact #}
items as (

    select
        item_id,
        title,
        coalesce(
            cast(log_price as double) - cast(sum(log_price) over () as double) / count(log_price) over (), 0
        ) as log_price

    from known_items

),

as_of as (

    select as_of from {{ ref('int_as_of_times') }}
    where is_current

),

looked_at as (

    select
        search_impressions.query,
        search_impressions.item_id,
        search_impressions.occurred_date,
        sum(propensities.propensity order by search_impressions.impression_id) as look_count,
        count(*) filter (where search_impressions.is_clicked) as click_count

    from search_impressions
    inner join propensities on search_impressions.position = propensities.position
    group by search_impressions.query, search_impressions.item_id, search_impressions.occurred_date

),

{# known queries and the items whose title has one of their words #}
query_words as (

    select distinct
        query,
        unnest(string_split(query, ' ')) as word

    from search_impressions

),

item_words as (

    select distinct
        item_id,
        unnest(string_split(title, ' ')) as word

    from items

),

candidates as (

    select distinct
        query_words.query,
        item_words.item_id

    from query_words
    inner join item_words on query_words.word = item_words.word
    where query_words.word <> ''
    union
    select distinct
        query,
        item_id
    from search_impressions

),

days as (

    select
        query,
        item_id,
        occurred_date,
        look_count,
        click_count,
        cast(occurred_date as timestamp) as as_of,
        false as is_current

    from looked_at
    union all
    select
        candidates.query,
        candidates.item_id,
        cast(as_of.as_of as date) as occurred_date,
        0 as look_count,
        0 as click_count,
        as_of.as_of,
        true as is_current

    from candidates
    cross join as_of

),

item_days as (

    select
        item_id,
        occurred_date,
        coalesce(sum(sum(click_count)) over earlier, 0) as item_click_count,
        coalesce(sum(sum(look_count order by query)) over earlier, 0) as item_look_count

    from days
    group by item_id, occurred_date
    window
        earlier as (
            partition by item_id
            order by occurred_date
            rows between unbounded preceding and 1 preceding
        )

),

pair_days as (

    select
        *,
        coalesce(sum(click_count) over earlier, 0) as pair_click_count,
        coalesce(sum(look_count) over earlier, 0) as pair_look_count

    from days
    window
        earlier as (
            partition by query, item_id
            order by occurred_date, is_current
            rows between unbounded preceding and 1 preceding
        )

),

rates as (

    select
        pair_days.*,
        (item_days.item_click_count + 1) / (item_days.item_look_count + {{ var('smoothing_looks') }}) as item_rate

    from pair_days
    inner join item_days
        on pair_days.item_id = item_days.item_id and pair_days.occurred_date = item_days.occurred_date

),

snapshots as (

    select
        ---------- ids
        rates.query,
        rates.item_id,

        ---------- numerics
        ln(rates.item_rate) as log_item_rate,
        ln(
            (rates.pair_click_count + {{ var('smoothing_looks') }} * rates.item_rate)
            / (rates.pair_look_count + {{ var('smoothing_looks') }})
        ) as log_pair_rate,
        coalesce(
            len(list_intersect(string_split(rates.query, ' '), string_split(items.title, ' ')))
            / len(list_distinct(string_split(rates.query, ' '))),
            0
        ) as word_share,
        coalesce(jaro_winkler_similarity(rates.query, items.title), 0) as title_similarity,
        coalesce(cast(starts_with(items.title, rates.query) as integer), 0) as is_prefix,
        coalesce(items.log_price, 0) as log_price,

        ---------- booleans
        rates.is_current,

        ---------- timestamps
        rates.as_of

    from rates
    left join items on rates.item_id = items.item_id

)

select * from snapshots
