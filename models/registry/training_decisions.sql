{# Written by the build itself, when it decides. #}

with

decisions as (

    select * from {{ history('decisions') }}

)

select
    model,
    cast(decided_at as timestamp) as decided_at,
    decision,
    reason,
    model_version,
    trained_version,
    measured_version,
    cast(test_until as timestamp) as test_until,
    metrics
from decisions
