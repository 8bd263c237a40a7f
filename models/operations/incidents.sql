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
        try_cast(details ->> '$.since' as bigint) as since,
        message,
        run_number,
        happened_at

    from ledger
    where event = 'incident'

),

closed as (

    select
        opening.incident,
        opening.run_number as opened_run,
        min(closing.run_number) as closed_run,
        min(closing.happened_at) as closed_at

    from changes as opening
    inner join changes as closing
        on
            opening.incident = closing.incident
            and closing.state = 'closed'
            {# a run that began before, and ended after, may have closed it #}
            and (opening.run_number <= closing.run_number or opening.run_number = closing.since)
    where opening.state = 'opened'
    group by opening.incident, opening.run_number

),

told as (

    select
        run_number,
        happened_at,
        unnest(try_cast(details -> '$.keys' as varchar[])) as incident

    from ledger
    where event = 'alert' and details ->> '$.kind' = 'failure' and try_cast(details ->> '$.is_sent' as boolean)

),

first_told as (

    select
        changes.incident,
        changes.run_number as opened_run,
        min(told.happened_at) as told_at

    from changes
    inner join told on changes.incident = told.incident and changes.run_number <= told.run_number
    where changes.state = 'opened'
    group by changes.incident, changes.run_number

)

select
    changes.incident,
    changes.failure_class,
    changes.subject,
    triage.severity,
    changes.contact,
    changes.message,
    triage.meaning,
    triage.first_step,
    changes.run_number as opened_run,
    changes.happened_at as opened_at,
    first_told.told_at,
    closed.closed_run,
    closed.closed_at,
    closed.closed_run is null as is_open
from changes
left join closed on changes.incident = closed.incident and changes.run_number = closed.opened_run
left join first_told on changes.incident = first_told.incident and changes.run_number = first_told.opened_run
left join triage on changes.failure_class = triage.class
where changes.state = 'opened'
