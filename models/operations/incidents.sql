{# Failures of one cause are one incident; `make nightly` opens and closes them in the ledger. #}

with

ledger as (

    select * from {{ history('ledger') }}

),

triage as (

    select * from {{ ref('triage') }}

),

changes as (

    select
        details ->> '$.key' as incident,
        details ->> '$.state' as state,
        details ->> '$.failure_class' as failure_class,
        details ->> '$.subject' as subject,
        details ->> '$.contact' as contact,
        message,
        run_number,
        happened_at,
        lead(run_number) over later as closed_run,
        lead(happened_at) over later as closed_at

    from ledger
    where event = 'incident'
    window later as (partition by details ->> '$.key' order by run_number, happened_at, details ->> '$.state' desc)

),

told as (

    select
        run_number,
        happened_at,
        unnest(cast(details -> '$.keys' as varchar[])) as incident

    from ledger
    where event = 'alert' and cast(details ->> '$.is_sent' as boolean)

),

opened as (

    select
        changes.incident,
        changes.run_number as opened_run,
        any_value(changes.failure_class) as failure_class,
        any_value(changes.subject) as subject,
        any_value(changes.contact) as contact,
        any_value(changes.message) as message,
        any_value(changes.happened_at) as opened_at,
        any_value(changes.closed_run) as closed_run,
        any_value(changes.closed_at) as closed_at,
        min(told.happened_at) as told_at

    from changes
    left join told
        on
            changes.incident = told.incident
            and changes.happened_at <= told.happened_at
            and (changes.closed_at is null or told.happened_at <= changes.closed_at)
    where changes.state = 'opened'
    group by changes.incident, changes.run_number

)

select
    opened.incident,
    opened.failure_class,
    opened.subject,
    triage.severity,
    opened.contact,
    opened.message,
    triage.meaning,
    triage.first_step,
    opened.opened_run,
    opened.opened_at,
    opened.told_at,
    opened.closed_run,
    opened.closed_at,
    opened.closed_run is null as is_open
from opened
left join triage on opened.failure_class = triage.class
