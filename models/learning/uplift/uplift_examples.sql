{#
    One row is one assignment of the coupon, with what was known of the customer then: the latest snapshot, and the context that
    was logged with the offer. Two periods: the earlier half of the assignments trains, the later half tests.
#}

with

assignments as (

    select * from {{ ref('coupon_assignments') }}
    where is_matured

),

as_of_times as (

    select * from {{ ref('int_as_of_times') }}

),

snapshots as (

    select * from {{ ref('customer_snapshots') }}

),

contexts as (

    select * from {{ ref('bandit_contexts') }}

),

known as (

    select
        assignments.assignment_id,
        max(as_of_times.as_of) as snapshot_at

    from assignments
    inner join as_of_times on assignments.assigned_at >= as_of_times.as_of
    group by assignments.assignment_id

),

examples as (

    select
        assignments.assignment_id,
        assignments.customer_id,
        assignments.is_treated,
        assignments.propensity,
        1 / case when assignments.is_treated then assignments.propensity else 1 - assignments.propensity end as weight,
        {%- for feature in coupon_features() %}
        snapshots.{{ feature }},
        {%- endfor %}
        {%- for place, column in context_columns().items() %}
        contexts.features[{{ place }}] as {{ column }},
        {%- endfor %}
        assignments.has_purchased,
        {# of assignments at one moment too, one half trains and the other tests #}
        min(assignments.assigned_at) over (partition by assignments.is_later_half)
        + to_microseconds(cast(assignments.is_later_half as integer)) as period_at

    from assignments
    left join known on assignments.assignment_id = known.assignment_id
    left join snapshots on assignments.customer_id = snapshots.customer_id and known.snapshot_at = snapshots.as_of
    left join contexts on assignments.assignment_id = contexts.decision_id

)

select * from examples
