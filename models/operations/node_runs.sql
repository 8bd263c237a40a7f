{# Written by the runs themselves, a line for each node as it is built. #}

with

ledger as (

    select * from {{ history('ledger') }}

),

nodes as (

    select
        run_number,
        node as node_id,
        split_part(node, '.', 1) as kind,
        split_part(node, '.', 3) as name,
        event as outcome,
        happened_at as ended_at,
        seconds,
        row_count,
        coalesce(message, details ->> '$.reason') as reason

    from ledger
    where event in ('built', 'reused', 'failed', 'landed') and node is not null

)

select * from nodes
