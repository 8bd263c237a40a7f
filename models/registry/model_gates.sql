{# Written by the build itself, while it makes the routed tables. #}

with

gates as (

    select * from {{ history('gates') }}

)

select
    endpoint,
    implementation,
    model_version,
    champion_version,
    status,
    reason,
    metric,
    value,
    champion_value,
    baseline_version,
    baseline_value,
    served_by,
    decided_at
from gates
