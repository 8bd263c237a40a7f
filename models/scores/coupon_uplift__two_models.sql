{#
    By how much the coupon raises the probability of a purchase: what the model of the treated says less that of the held out,
    calibrated to the randomised effect.
#}

with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

latest_contexts as (

    select
        {%- for place, column in context_columns().items() %}
        contexts.features[{{ place }}] as {{ column }},
        {%- endfor %}
        assignments.customer_id

    from {{ ref('coupon_assignments') }} as assignments
    left join {{ ref('bandit_contexts') }} as contexts on assignments.assignment_id = contexts.decision_id
    qualify row_number() over (
        partition by assignments.customer_id
        order by assignments.assigned_at desc, assignments.assignment_id desc
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
        scored.customer_id,
        scored.held_out_score,
        scored.implementation,
        scored.model_version,
        scored.as_of,
        scored.scored_at,
        least(
            greatest(
                calibration.effect
                + calibration.served_slope * (scored.treated_score - scored.held_out_score - calibration.mean_predicted),
                -1
            ),
            1
        ) as score,
        scored.treated_score is not null as is_scored

    from scored
    cross join {{ ref('uplift_calibration') }} as calibration

),

usable as (

    select
        customer_id,
        score,
        least(greatest(held_out_score + score, 0), 1) as treated_score,
        held_out_score,
        implementation,
        model_version,
        as_of,
        scored_at

    from calibrated
    where is_scored and held_out_score is not null

)

select * from usable
