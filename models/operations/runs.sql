{# Written by the runs themselves: the ledger is read as it is now, whatever release this view belongs to. #}

with

ledger as (

    select * from {{ history('ledger') }}

),

begun as (

    select
        run_number,
        happened_at as started_at,
        details ->> '$.branch' as branch,
        details ->> '$.commit' as git_commit,
        details ->> '$.who' as started_by,
        array_to_string(try_cast(details -> '$.command' as varchar[]), ' ') as command,
        coalesce(try_cast(details ->> '$.is_supervised' as boolean), false) as is_supervised

    from ledger
    where event = 'start'

),

timed as (

    select
        run_number,
        (max(try_cast(up * 1000 as bigint)) - min(try_cast(up * 1000 as bigint))) / 1000 as seconds,
        count(*) filter (where event = 'attempt') as attempt_count,
        count(*) filter (where event = 'alert' and try_cast(details ->> '$.is_sent' as boolean)) as alert_count

    from ledger
    group by run_number

),

ended as (

    select
        run_number,
        happened_at as ended_at,
        details ->> '$.outcome' as outcome,
        try_cast(details ->> '$.is_whole' as boolean) as is_whole,
        try_cast(details ->> '$.release' as bigint) as release,
        try_cast(details ->> '$.built' as bigint) as built_count,
        try_cast(details ->> '$.reused' as bigint) as reused_count,
        try_cast(details ->> '$.failed' as bigint) as failed_count,
        try_cast(details ->> '$.skipped' as bigint) as skipped_count,
        message

    from ledger
    where event = 'finish'

)

select
    begun.run_number,
    begun.branch,
    begun.git_commit,
    begun.started_by,
    begun.command,
    begun.is_supervised,
    begun.started_at,
    ended.ended_at,
    timed.seconds,
    {# one process at a time builds a branch: what has no end when a later one came to its nodes has none; nightly runs wait, and
       the next one ends what is lost #}
    case
        when ended.outcome is not null then ended.outcome
        when begun.is_supervised then 'unfinished'
        when begun.run_number < max(case when ended.built_count is not null then begun.run_number end) over () then 'lost'
        else 'unfinished'
    end as outcome,
    coalesce(ended.is_whole, false) as is_whole,
    ended.release,
    timed.attempt_count,
    ended.built_count,
    ended.reused_count,
    ended.failed_count,
    ended.skipped_count,
    timed.alert_count,
    ended.message
from begun
inner join timed on begun.run_number = timed.run_number
left join ended on begun.run_number = ended.run_number
