{# What an application reads when a customer logs in. Every customer has a row, also one who never bought. #}

with

interactions as (

    select
        customer_id,
        occurred_at,
        interaction_type,
        interaction_id

    from {{ ref('int_known_interactions') }}

),

known_customers as (

    select
        customer_id,
        country,
        signed_up_at

    from {{ ref('int_customers') }}

),

activity as (

    select
        customer_id,
        max(occurred_at) as last_active_at,
        arg_max(interaction_type, (occurred_at, interaction_id)) as last_activity,
        max(occurred_at) filter (where interaction_type = 'purchase') as last_purchase_at

    from interactions
    group by customer_id

),

customer_ids as (

    select customer_id from known_customers
    union
    select customer_id from activity

),

segments as (

    select * from {{ ref('customer_segments') }}

),

churn_risk as (

    select * from {{ ref('churn_risk') }}

),

coupon_offers as (

    select * from {{ ref('coupon_offers') }}

),

lifetime_values as (

    select * from {{ ref('predicted_spend__poisson') }}

),

personal_items as (

    select
        customer_id,
        list(item_id order by rank) as item_ids

    from {{ ref('recommendations') }}
    group by customer_id

),

popular_items as (

    select list(item_id order by rank) as item_ids from {{ ref('popular_items') }}
    where rank <= {{ var('next_best_popular_items') }}

),

{# where nobody has a list of their own, what is popular stands for it; who then has none has everything already #}
common_items as (

    select popular_items.item_ids

    from popular_items
    anti join personal_items on true

),

customers as (

    select
        ---------- ids
        customer_ids.customer_id,

        ---------- strings
        known_customers.country,
        segments.segment,
        coalesce(segments.rule_segments, []) as rule_segments,
        coalesce(coupon_offers.decision, 'not eligible') as coupon_decision,
        coalesce(personal_items.item_ids, common_items.item_ids, []) as next_best_items,
        activity.last_activity,

        ---------- numerics
        churn_risk.score as churn_risk,
        lifetime_values.score as predicted_spend,
        lifetime_values.score_low as predicted_spend_low,
        lifetime_values.score_high as predicted_spend_high,

        ---------- booleans
        coalesce(coupon_offers.gets_coupon, false) as gets_coupon,
        personal_items.item_ids is not null as has_personal_items,

        ---------- timestamps
        known_customers.signed_up_at,
        activity.last_active_at,
        activity.last_purchase_at,
        {{ as_of() }} as as_of,
        greatest(segments.scored_at, churn_risk.scored_at, lifetime_values.scored_at) as scored_at

    from customer_ids
    left join known_customers on customer_ids.customer_id = known_customers.customer_id
    left join activity on customer_ids.customer_id = activity.customer_id
    left join segments on customer_ids.customer_id = segments.customer_id
    left join churn_risk on customer_ids.customer_id = churn_risk.customer_id
    left join coupon_offers on customer_ids.customer_id = coupon_offers.customer_id
    left join lifetime_values on customer_ids.customer_id = lifetime_values.customer_id
    left join personal_items on customer_ids.customer_id = personal_items.customer_id
    left join common_items on true

)

select * from customers
