{{ config(severity='warn') }}
{# No model that serves needs a look, by the limits of the seed monitoring_thresholds. #}

select sentence
from {{ ref('signals') }}
where is_newest and status = 'warn'
order by sentence
