{# A clicked result against one that was shown with it and not clicked: the differences of their features, in an order that
   a hash decides, so that both answers occur. #}

with

examples as (

    select * from {{ ref('ranking_examples') }}

),

pairs as (

    select
        clicked.impression_id as clicked_id,
        other.impression_id as other_id,
        clicked.customer_id,
        clicked.weight,
        clicked.period_at,
        cast(
            {{ function('stable_share') }}(clicked.impression_id || other.impression_id, 'pair') < 0.5 as integer
        ) as is_first,
        clicked.log_item_rate - other.log_item_rate as log_item_rate,
        clicked.log_pair_rate - other.log_pair_rate as log_pair_rate,
        clicked.word_share - other.word_share as word_share,
        clicked.title_similarity - other.title_similarity as title_similarity,
        clicked.is_prefix - other.is_prefix as is_prefix,
        clicked.log_price - other.log_price as log_price

    from examples as clicked
    inner join examples as other on clicked.search_id = other.search_id
    where clicked.is_clicked = 1 and other.is_clicked = 0

),

turned as (

    select
        clicked_id,
        other_id,
        customer_id,
        weight,
        period_at,
        is_first,
        if(is_first = 1, log_item_rate, -log_item_rate) as log_item_rate,
        if(is_first = 1, log_pair_rate, -log_pair_rate) as log_pair_rate,
        if(is_first = 1, word_share, -word_share) as word_share,
        if(is_first = 1, title_similarity, -title_similarity) as title_similarity,
        if(is_first = 1, is_prefix, -is_prefix) as is_prefix,
        if(is_first = 1, log_price, -log_price) as log_price

    from pairs

)

select * from turned
