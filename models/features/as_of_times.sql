with

interactions as (

    select * from {{ ref('int_interactions') }}

),

bounds as (

    select
        min(occurred_at) as first_at,
        {%- if var('as_of') %}
        cast(cast('{{ var("as_of") }}' as date) as timestamp) as newest
        {%- else %}
        cast(cast(max(greatest(occurred_at, received_at)) as date) + 1 as timestamp) as newest
        {%- endif %}

    from interactions

),

months as (

    select unnest(generate_series(date_trunc('month', first_at) + interval 1 month, newest, interval 1 month)) as as_of
    from bounds
    where first_at < newest

),

as_of_times as (

    select as_of from months
    union
    select newest as as_of from bounds
    where first_at < newest

)

select
    cast(as_of as timestamp) as as_of,
    as_of = max(as_of) over () as is_current
from as_of_times
