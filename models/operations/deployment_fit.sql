with

requirements as (

    select * from {{ ref('product_requirements') }}

),

levels as (

    select * from {{ ref('requirement_levels') }}

),

choices as (

    select * from {{ ref('deployment_choices') }}

),

served as (

    select * from {{ ref('served_endpoints') }}

),

latencies as (

    select * from {{ ref('lookup_latencies') }}

),

minimums as (

    select
        requirements.endpoint,
        max(cast(levels.minimum as decimal(24, 6))) filter (
            where levels.requirement = 'volume' and levels.minimum <= requirements.volume_rows
        ) as volume_minimum,
        max(cast(levels.minimum as decimal(24, 6))) filter (
            where levels.requirement = 'real_time_need' and levels.minimum <= requirements.latency_ms
        ) as latency_minimum

    from requirements
    cross join levels
    group by requirements.endpoint

),

graded as (

    select
        requirements.*,
        volumes.level as volume,
        needs.level as real_time_need

    from requirements
    inner join minimums on requirements.endpoint = minimums.endpoint
    left join levels as volumes on volumes.requirement = 'volume' and minimums.volume_minimum = volumes.minimum
    left join levels as needs on needs.requirement = 'real_time_need' and minimums.latency_minimum = needs.minimum

),

chosen as (

    select
        graded.*,
        choices.deployment,
        choices.reason

    from graded
    left join choices
        on
            graded.volume = choices.volume
            and graded.data_churn = choices.data_churn
            and graded.real_time_need = choices.real_time_need
            and graded.customer_system = choices.customer_system
            and graded.statefulness = choices.statefulness

),

measured as (

    select
        *,
        case data_churn when 'constant' then 1 when 'daily' then 24 when 'weekly' then 168 end as churn_hours,
        calls_a_day * latency_ms / 86400000 as waiting_count -- a day has so many milliseconds

    from chosen

),

contradicted as (

    select
        *,
        list_filter(
            [
                case
                    when data_churn = 'constant' and real_time_need = 'in the request' and refresh_hours >= churn_hours
                        then format(
                            'It must answer within {:.12g} ms from data that change constantly, '
                            || 'but is computed every {:.12g} hours: answers would come at once, and be old.',
                            latency_ms,
                            refresh_hours
                        )
                    when refresh_hours > churn_hours
                        then format('Its data change {}, but it is computed every {:.12g} hours only.', data_churn, refresh_hours)
                end,
                case
                    when decay_days * 24 < refresh_hours
                        then format(
                            'Its answers are worth half after {:.12g} days, but it is computed every {:.12g} hours only.',
                            decay_days,
                            refresh_hours
                        )
                end,
                case
                    when sla_hours < refresh_hours
                        then format(
                            'It is late when it was not built for {:.12g} hours, but it is computed every {:.12g} hours only.',
                            sla_hours,
                            refresh_hours
                        )
                end,
                case
                    when sla_hours > decay_days * 24
                        then format(
                            'It is late only when it was not built for {:.12g} hours, '
                            || 'but its answers are worth half after {:.12g} days.',
                            sla_hours,
                            decay_days
                        )
                end,
                case
                    when customer_system = 'files' and real_time_need = 'in the request'
                        then format(
                            'Its readers take files, which nobody waits for, but are promised an answer within {:.12g} ms.',
                            latency_ms
                        )
                end,
                case
                    when statefulness = 'stateful' and deployment in ('batch', 'pre-computed', 'serverless function')
                        then format(
                            'Its earlier answers change the next one, but all else asks for {}, which remembers none.',
                            deployment
                        )
                end,
                case
                    when waiting_count > 1000
                        then format(
                            '{:,} calls a day that may take {:.12g} ms each let {:,} readers wait at any moment.',
                            calls_a_day,
                            latency_ms,
                            cast(waiting_count as bigint)
                        )
                end
            ],
            lambda sentence: sentence is not null
        ) as contradictions

    from measured

),

fitted as (

    select
        contradicted.endpoint,
        served.product,
        contradicted.owner,
        contradicted.volume,
        contradicted.data_churn,
        contradicted.real_time_need,
        contradicted.customer_system,
        contradicted.statefulness,
        contradicted.deployment as required_deployment,
        contradicted.reason as required_because,
        served.deployments,
        list_contains(served.deployments, contradicted.deployment) as is_fitting,
        contradicted.contradictions,
        contradicted.latency_ms as required_latency_ms,
        latencies.latency_ms

    from contradicted
    inner join served on contradicted.endpoint = served.endpoint
    left join latencies on contradicted.endpoint = latencies.endpoint

),

fits as (

    select
        *,
        case
            when not is_fitting
                then format(
                    'It asks for {}: {}; it has {}.',
                    required_deployment,
                    required_because,
                    array_to_string(deployments, ', ')
                )
        end as misfit,
        case
            when latency_ms > required_latency_ms
                then format(
                    'A lookup by key took {:.12g} ms when it was published, '
                    || 'but its readers are promised an answer within {:.12g} ms.',
                    latency_ms,
                    required_latency_ms
                )
        end as slowness

    from fitted

)

select * from fits
