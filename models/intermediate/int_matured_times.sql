{# A label has matured when its whole horizon lies before the newest as-of time. #}

with

times as (

    select * from {{ ref('int_as_of_times') }}

),

matured as (

    select as_of from times
    where as_of + interval '{{ var("churn_horizon_days") }} days' <= {{ as_of() }}

)

select * from matured
