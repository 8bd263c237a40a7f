{# Written by the runs themselves, when they publish, confirm or roll back. #}

with

ledger as (

    select * from {{ history('ledger') }}

),

moves as (

    select
        run_number,
        happened_at as moved_at,
        event as move,
        try_cast(details ->> '$.release' as bigint) as release,
        try_cast(details ->> '$.before' as bigint) as release_before,
        try_cast(details -> '$.changed' as varchar[]) as changed

    from ledger
    where event in ('published', 'confirmed', 'rolled_back')

)

select * from moves
