{# What was known of a customer at each as-of time, and whether the next 30 days brought a purchase. #}
{%- set horizon_days = 30 %}

with

{# a label has matured when its whole horizon lies before the newest as-of time #}
snapshots as (

    select * exclude (is_current)
    from {{ ref('customer_snapshots') }}
    where as_of + interval '{{ horizon_days }} days' <= {{ as_of() }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}
    where purchase_count > 0

),

{# what arrives later never changes a label that has matured #}
positives as (

    select distinct
        snapshots.as_of,
        snapshots.customer_id

    from snapshots
    inner join customer_days
        on
            snapshots.customer_id = customer_days.customer_id
            and customer_days.occurred_date >= cast(snapshots.as_of as date)
            and customer_days.occurred_date < cast(snapshots.as_of as date) + {{ horizon_days }}
            and customer_days.known_date < cast(snapshots.as_of as date) + {{ horizon_days }}

),

examples as (

    select
        snapshots.*,
        cast(positives.customer_id is not null as integer) as is_positive

    from snapshots
    left join positives on snapshots.as_of = positives.as_of and snapshots.customer_id = positives.customer_id

)

select * from examples
