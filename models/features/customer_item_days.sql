with

interactions as (

    select * from {{ ref('int_known_interactions') }}
    where item_id is not null

),

interaction_weights as (

    select * from {{ ref('interaction_weights') }}

),

policy as (

    select * from {{ ref('recommendation_policy') }}
    where policy = 'default'

),

as_of_times as (

    select * from {{ ref('int_as_of_times') }}
    where is_current

),

known as (

    select
        interactions.customer_id,
        interactions.item_id,
        cast(interactions.occurred_at as date) as occurred_date,
        cast(interaction_weights.weight as decimal(18, 9)) as weight,
        interaction_weights.half_life_days,
        interaction_weights.is_taken,
        as_of_times.as_of,
        interactions.interaction_type = 'rating' as is_rating,
        case
            when interactions.interaction_type = 'rating'
                then try_cast(try_cast(json_extract_string(interactions.properties, '$.rating') as double) as decimal(18, 6))
        end as rating

    from interactions
    inner join interaction_weights on interactions.interaction_type = interaction_weights.interaction_type
    cross join policy
    inner join as_of_times on interactions.occurred_at >= as_of_times.as_of - to_days(policy.window_days)

),

{# the highest rating counts fully, but for the highest hundredth: one wrong rating does not set the scale #}
scales as (

    select quantile_disc(rating, 0.99) as highest_rating from known

),

rated as (

    select
        known.*,
        case
            {# where no rating has a value, that somebody rated is all there is #}
            when not known.is_rating or scales.highest_rating is null then 1
            else coalesce(least(greatest(known.rating, 0) / nullif(scales.highest_rating, 0), 1), 0)
        end as rating_share

    from known
    cross join scales

),

customer_item_days as (

    select
        customer_id,
        item_id,
        occurred_date,
        cast(sum(cast(weight * rating_share as decimal(18, 9))) as double) as weight,
        cast(max(cast(half_life_days as decimal(18, 6))) as double) as half_life_days,
        bool_or(is_taken) as is_taken,
        max(as_of) as as_of

    from rated
    group by customer_id, item_id, occurred_date

)

select * from customer_item_days
