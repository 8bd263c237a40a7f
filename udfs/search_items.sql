{#
    Matching: the share of the query's words that a title has (a word counts that begins one), then how alike the texts are.
    A query that was searched for before ranks by what was learned from clicks.
#}
with

wanted as (

    select
        lower(trim(query)) as text,
        list_filter(string_split(lower(trim(query)), ' '), lambda word: word <> '') as words

),

learned as (

    select
        item_ranking.item_id,
        3 - item_ranking.rank / {{ var('ranked_items') }}.0 as strength

    from {{ ref('item_ranking') }} as item_ranking
    inner join wanted on item_ranking.query = wanted.text

),

tastes as (

    select
        category,
        share

    from {{ ref('customer_tastes') }} as customer_tastes
    where customer_tastes.customer_id = customer

),

matched as (

    select
        items.item_id,
        items.title,
        items.category,
        items.price,
        items.popularity,
        wanted.text,
        jaro_winkler_similarity(wanted.text, lower(items.title)) as similarity,
        coalesce(
            len(list_filter(wanted.words, lambda word: len(list_filter(items.words, lambda other: starts_with(other, word))) > 0))
            / nullif(len(wanted.words), 0),
            0
        ) as word_share

    from {{ ref('search_index') }} as items
    cross join wanted

),

scored as (

    select
        matched.item_id,
        matched.title,
        matched.category,
        matched.price,
        coalesce(learned.strength, 0.7 * matched.word_share + 0.2 * matched.similarity + 0.1 * matched.popularity)
        + 0.05 * coalesce(tastes.share, 0) as score

    from matched
    left join learned on matched.item_id = learned.item_id
    left join tastes on matched.category = tastes.category
    where learned.item_id is not null or matched.word_share > 0 or matched.similarity > 0.85 or matched.text = ''

)

select
    row_number() over (order by score desc, item_id asc) as rank,
    item_id,
    title,
    category,
    price,
    score
from scored
order by score desc, item_id asc
limit k
