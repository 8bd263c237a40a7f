{# Written by the run that published last: what is measured is no part of what is stored. #}

with

ledger as (

    select * from {{ history('ledger') }}

),

published as (

    select
        run_number,
        json_extract(details, '$.latency_ms') as latencies

    from ledger
    where event = 'published' and json_exists(details, '$.latency_ms')

),

last_runs as (

    select max(run_number) as run_number from published

),

newest as (

    select
        published.latencies,
        unnest(json_keys(published.latencies)) as endpoint

    from published
    inner join last_runs on published.run_number = last_runs.run_number

),

measured as (

    select
        endpoint,
        cast(max(try_cast(json_extract_string(latencies, endpoint) as decimal(18, 3))) as double) as latency_ms

    from newest
    group by endpoint

)

select * from measured
