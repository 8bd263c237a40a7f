{{ config(group='data', severity='warn', enabled=not var('as_of')) }}
{# No interaction lies after the last day on which the data is as dense as usual: it counts for nothing until its time comes. #}

with

as_of_times as (

    select * from {{ ref('int_as_of_times') }}
    where is_current

)

select
    interactions.interaction_id,
    interactions.occurred_at,
    interactions.received_at
from {{ ref('int_interactions') }} as interactions
inner join as_of_times on greatest(interactions.occurred_at, interactions.received_at) >= as_of_times.as_of
