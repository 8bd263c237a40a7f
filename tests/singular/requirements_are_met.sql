{{ config(severity='warn') }}
{# Every served table is deployed as its requirements ask, and these do not contradict each other. #}

select
    endpoint,
    unnest(list_append(contradictions, misfit)) as sentence
from {{ ref('deployment_fit') }}
where not is_fitting or len(contradictions) > 0
order by endpoint, sentence
