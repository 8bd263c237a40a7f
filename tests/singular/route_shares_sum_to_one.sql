{# An endpoint's routes leave nobody out and give nobody two scores. #}

select
    endpoint,
    sum(share) as share_total
from {{ ref('routes') }}
group by endpoint
having abs(sum(share) - 1) > 1e-9
