{# Written by the build itself, after the models that it is about. #}
{%- do ref('int_model_versions') %}

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
