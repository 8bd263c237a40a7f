with

past_scores as (

    select * from {{ ref('past_scores_by_time') }}
    union all
    select * from {{ ref('past_scores_at_once') }}

)

select * from past_scores
