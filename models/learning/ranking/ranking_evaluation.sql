{# How well held-out searches are ranked: the newest week, by each implementation and by what it must beat. A click
   counts as it is, and weighted by one over the chance that its position was looked at. #}

with

examples as (

    select * from {{ ref('ranking_examples') }}

),

test_examples as (

    select * from examples
    qualify period_at = max(period_at) over ()

),

scored as (

    select
        search_id,
        impression_id,
        is_clicked,
        is_clicked * weight as weighted_click,
        unnest(
            list_value(
                struct_pack(ranking := 'as shown', score := -cast(position as double)),
                struct_pack(ranking := 'popularity', score := log_item_rate),
                struct_pack(ranking := 'words', score := word_share + title_similarity),
                struct_pack(ranking := 'pointwise', score := {{ score('ranking__pointwise', measured=true) }}),
                struct_pack(ranking := 'pairwise', score := {{ score('ranking__pairwise', measured=true) }})
            ),
            max_depth => 2
        )  -- noqa: AL03

    from test_examples

),

placed as (

    select
        *,
        row_number() over (
            partition by search_id, ranking
            order by score desc, impression_id asc
        ) as place,
        row_number() over (
            partition by search_id, ranking
            order by weighted_click desc, impression_id asc
        ) as ideal_place

    from scored
    where score is not null

),

searches as (

    select
        ranking,
        search_id,
        sum(is_clicked / log2(place + 1) order by place) filter (where place <= 10) as gain,
        sum(weighted_click / log2(place + 1) order by place) filter (where place <= 10) as weighted_gain,
        sum(1 / log2(ideal_place + 1) order by ideal_place) filter (
            where ideal_place <= 10 and is_clicked = 1
        ) as ideal_gain,
        sum(weighted_click / log2(ideal_place + 1) order by ideal_place) filter (where ideal_place <= 10) as ideal_weighted_gain

    from placed
    group by ranking, search_id
    having sum(is_clicked) > 0

),

evaluation as (

    select
        ranking,
        count(*) as search_count,
        sum(gain / ideal_gain order by search_id) / count(*) as ndcg_at_10,
        {# of sums: divided by its own ideal, a search of one click would lose its weight #}
        sum(weighted_gain order by search_id) / sum(ideal_weighted_gain order by search_id) as unbiased_ndcg_at_10

    from searches
    group by ranking

)

select * from evaluation
