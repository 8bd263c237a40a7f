{#
    By how much the coupon raises the probability of a purchase: what the model of the treated says less that of the held out,
    calibrated to the randomised effect.
#}

with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

latest_contexts as (

    select
        {%- for column in context_columns().values() %}
        examples.{{ column }},
        {%- endfor %}
        examples.customer_id

    from {{ ref('uplift_examples') }} as examples
    qualify row_number() over (
        partition by examples.customer_id
        order by examples.period_at desc, examples.assignment_id desc
    ) = 1

),

customers as (

    select customer_id from snapshots
    union
    select customer_id from latest_contexts

),

known as (

    select
        {%- for feature in coupon_features() %}
        snapshots.{{ feature }},
        {%- endfor %}
        {%- for column in context_columns().values() %}
        latest_contexts.{{ column }},
        {%- endfor %}
        customers.customer_id

    from customers
    left join snapshots on customers.customer_id = snapshots.customer_id
    left join latest_contexts on customers.customer_id = latest_contexts.customer_id

),

scored as (

    select
        customer_id,
        {{ score('uplift__treated') }} as treated_score,
        {{ score('uplift__held_out') }} as held_out_score,
        'coupon_uplift__two_models' as implementation,
        {{ model_version('uplift__treated') }} as model_version,
        {{ as_of() }} as as_of,
        {{ built_at() }} as scored_at

    from known

),

calibrated as (

    select
        scored.* exclude (treated_score),
        least(
            greatest(
                scored.held_out_score + calibration.effect
                + calibration.served_slope * (scored.treated_score - scored.held_out_score - calibration.mean_predicted),
                0
            ),
            1
        ) as treated_score

    from scored
    cross join {{ ref('uplift_calibration') }} as calibration

),

usable as (

    select
        customer_id,
        treated_score - held_out_score as score,
        treated_score,
        held_out_score,
        implementation,
        model_version,
        as_of,
        scored_at

    from calibrated
    where treated_score is not null and held_out_score is not null

)

select * from usable
