{#
    No model that serves has passed a limit of the seed monitoring_thresholds beyond which nothing may be published. Most have
    none: a red build withholds everything else too, so only what makes fresh scores worse than yesterday's has one.
#}

select sentence
from {{ ref('signals') }}
where is_newest and status = 'error'
order by sentence
