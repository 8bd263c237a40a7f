with

scored as (

    select * from {{ ref('coupon_uplift__two_models') }}

),

coupon_uplift as (

    select
        customer_id,
        score,
        treated_score,
        held_out_score,
        row_number() over (order by score desc, customer_id asc) as rank,
        implementation,
        model_version,
        as_of,
        scored_at

    from scored

)

select * from coupon_uplift
