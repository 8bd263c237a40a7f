{#
    Everything that is watched, in one form, judged by the seed monitoring_thresholds. A period is beyond a limit when its whole
    interval is; a series is when enough of its last periods are, of those with enough rows, or the newest is far beyond.
#}

with

versions as (

    select * from {{ ref('served_versions') }}

),

past_scores as (

    select * from {{ ref('past_scores') }}

),

feature_counts as (

    select * from {{ ref('feature_counts') }}

),

feature_drift as (

    select * from {{ ref('feature_drift') }}

),

score_drift as (

    select * from {{ ref('score_drift') }}

),

performance as (

    select
        *,
        {# of the difference of the measurement and its estimate #}
        sqrt(pow(upper_bound - lower_bound, 2) + pow(estimated_upper_bound - estimated_lower_bound, 2)) / 2 as half_width

    from {{ ref('performance') }}
    where not is_trained_on and value is not null

),

decision_rates as (

    select
        *,
        {# what was never decided so, and is now, has changed wholly #}
        coalesce(nullif(usual_rate, 0), rate) as usual_size

    from {{ ref('decision_rates') }}
    where not is_trained_on and usual_rate is not null and greatest(usual_rate, rate) > 0

),

thresholds as (

    select * from {{ ref('monitoring_thresholds') }}

),

snapshot_counts as (

    select
        implementation,
        period_at,
        max(row_count) as row_count

    from feature_counts
    group by implementation, period_at

),

score_counts as (

    select
        implementation,
        period_at,
        count(*) as row_count,
        any_value(is_trained_on) as is_trained_on,
        count(realised) > 0 as has_matured

    from past_scores
    group by implementation, period_at

),

{# as many as usual: the median of the times that the version was trained on #}
volumes as (

    select
        *,
        median(row_count) filter (where is_trained_on) over (partition by implementation) as usual_count

    from score_counts

),

coverage as (

    select
        snapshot_counts.implementation,
        snapshot_counts.period_at,
        snapshot_counts.row_count,
        coalesce(score_counts.row_count, 0) / snapshot_counts.row_count as share

    from snapshot_counts
    left join score_counts
        on
            snapshot_counts.implementation = score_counts.implementation
            and snapshot_counts.period_at = score_counts.period_at

),

as_of as (

    select as_of from {{ ref('int_as_of_times') }}
    where is_current

),

newest_periods as (

    select
        implementation,
        max(period_at) as period_at,
        coalesce(max(period_at) filter (where has_matured), min(period_at)) as matured_at

    from score_counts
    group by implementation

),

measured as (

    select
        implementation,
        'feature_stability' as measure,
        feature as subject,
        period_at,
        stability_index as value,
        lower_bound,
        upper_bound,
        row_count
    from feature_drift
    union all
    select
        implementation,
        'missing_increase' as measure,
        feature as subject,
        period_at,
        missing_increase as value,
        missing_increase_lower as lower_bound,
        missing_increase_upper as upper_bound,
        row_count
    from feature_drift
    union all
    select
        implementation,
        'score_stability' as measure,
        'score' as subject,
        period_at,
        stability_index as value,
        lower_bound,
        upper_bound,
        row_count
    from score_drift
    union all
    select
        implementation,
        'coverage' as measure,
        'score' as subject,
        period_at,
        share as value,
        {{ share_bounds('share', 'row_count') }},
        row_count
    from coverage
    union all
    select
        implementation,
        metric as measure,
        'score' as subject,
        period_at,
        value,
        lower_bound,
        upper_bound,
        row_count
    from performance
    where metric in ('auc', 'average_precision', 'calibration_error', 'ndcg_at_10')
    union all
    select
        implementation,
        'lead' as measure,
        metric || ' over ' || baseline as subject,
        period_at,
        lead as value,
        lead_lower_bound as lower_bound,
        lead_upper_bound as upper_bound,
        row_count
    from performance
    where lead is not null
    union all
    {# as far from 0 on either side #}
    select
        implementation,
        'bias' as measure,
        'score' as subject,
        period_at,
        abs(value) as value,
        greatest(lower_bound, -upper_bound, 0) as lower_bound,
        greatest(-lower_bound, upper_bound) as upper_bound,
        row_count
    from performance
    where metric = 'bias'
    union all
    select
        implementation,
        'decision_change' as measure,
        decision as subject,
        period_at,
        abs(rate - usual_rate) / usual_size as value,
        greatest(lower_bound - usual_rate, usual_rate - upper_bound, 0) / usual_size as lower_bound,
        greatest(abs(lower_bound - usual_rate), abs(upper_bound - usual_rate)) / usual_size as upper_bound,
        row_count
    from decision_rates
    union all
    select
        implementation,
        'estimate_shortfall' as measure,
        metric as subject,
        period_at,
        estimated_value - value as value,
        estimated_value - value - half_width as lower_bound,
        estimated_value - value + half_width as upper_bound,
        row_count
    from performance
    where metric = 'auc' and estimated_value is not null
    union all
    {# an error is worse the larger it is: as a share of what was expected #}
    select
        implementation,
        'estimate_shortfall' as measure,
        metric as subject,
        period_at,
        value / estimated_value - 1 as value,
        (value - half_width) / estimated_value - 1 as lower_bound,
        (value + half_width) / estimated_value - 1 as upper_bound,
        row_count
    from performance
    where metric = 'mae' and estimated_value > 0
    union all
    select
        implementation,
        'volume' as measure,
        'rows' as subject,
        period_at,
        row_count / usual_count as value,
        (row_count - 1.959963984540054 * sqrt(row_count)) / usual_count as lower_bound,
        (row_count + 1.959963984540054 * sqrt(row_count)) / usual_count as upper_bound,
        row_count
    from volumes
    where not is_trained_on and usual_count > 0
    union all
    select
        newest_periods.implementation,
        'days_without_rows' as measure,
        'rows' as subject,
        newest_periods.period_at,
        date_diff('day', newest_periods.period_at, as_of.as_of) as value,
        value as lower_bound,
        value as upper_bound,
        1 as row_count
    from newest_periods
    cross join as_of
    union all
    select
        newest_periods.implementation,
        'label_delay_days' as measure,
        'labels' as subject,
        newest_periods.period_at,
        date_diff('day', newest_periods.matured_at, newest_periods.period_at) - versions.horizon_days as value,
        value as lower_bound,
        value as upper_bound,
        1 as row_count
    from newest_periods
    inner join versions on newest_periods.implementation = versions.implementation
    union all
    select
        versions.implementation,
        'model_age_days' as measure,
        'version' as subject,
        newest_periods.period_at,
        date_diff('day', versions.known_until, newest_periods.period_at) as value,
        value as lower_bound,
        value as upper_bound,
        1 as row_count
    from versions
    inner join newest_periods on versions.implementation = newest_periods.implementation
    where versions.known_until is not null

),

{# the row of the seed that says most: of this implementation, else of its endpoint; and of this subject #}
limited as (

    select
        measured.*,
        thresholds.worse,
        thresholds.warn_limit,
        thresholds.error_limit,
        thresholds.at_once_limit,
        thresholds.minimum_rows,
        thresholds.beyond_periods,
        thresholds.of_periods,
        thresholds.asks_for_training

    from measured
    inner join thresholds
        on
            measured.measure = thresholds.measure
            and thresholds.implementation in (measured.implementation, split_part(measured.implementation, '__', 1), 'default')
            and thresholds.subject in (measured.subject, 'default')
    where measured.value is not null
    qualify row_number() over (
        partition by measured.implementation, measured.measure, measured.subject, measured.period_at
        order by
            thresholds.implementation = 'default',
            thresholds.implementation <> measured.implementation,
            thresholds.subject = 'default'
    ) = 1

),

judged as (

    select
        *,
        row_count >= minimum_rows as has_enough_rows,
        has_enough_rows and coalesce(
            case worse when 'higher' then lower_bound > warn_limit else upper_bound < warn_limit end, false
        ) as is_beyond_warn,
        has_enough_rows and coalesce(
            case worse when 'higher' then lower_bound > error_limit else upper_bound < error_limit end, false
        ) as is_beyond_error,
        has_enough_rows and coalesce(
            case worse when 'higher' then lower_bound > at_once_limit else upper_bound < at_once_limit end, false
        ) as is_far_beyond,
        count(*) filter (where row_count >= minimum_rows) over (
            partition by implementation, measure, subject
            order by period_at
        ) as period_number,
        count(*) filter (where row_count >= minimum_rows) over (partition by implementation, measure, subject) as period_count,
        count(*) over (
            partition by implementation, measure, subject
            order by period_at desc
        ) as periods_from_here

    from limited

),

counted as (

    select
        judged.implementation,
        judged.measure,
        judged.subject,
        judged.period_at,
        count(*) filter (where earlier.is_beyond_warn) as warn_count,
        count(*) filter (where earlier.is_beyond_error) as error_count

    from judged
    inner join judged as earlier
        on
            judged.implementation = earlier.implementation
            and judged.measure = earlier.measure
            and judged.subject = earlier.subject
            and earlier.has_enough_rows
            and judged.period_number >= earlier.period_number
            and judged.period_number - judged.of_periods < earlier.period_number
    group by judged.implementation, judged.measure, judged.subject, judged.period_at

),

decided as (

    select
        judged.*,
        versions.model_version,
        {# what was the matter long ago, before times with few rows, is not what is the matter #}
        judged.has_enough_rows
        and judged.period_number = judged.period_count
        and judged.periods_from_here <= judged.of_periods as is_newest,
        coalesce(counted.warn_count, 0) as warn_count,
        coalesce(counted.error_count, 0) as error_count,
        coalesce(greatest(counted.warn_count, counted.error_count) >= judged.beyond_periods, false) as is_lasting,
        case
            when not judged.has_enough_rows then 'too few rows'
            when counted.error_count >= judged.beyond_periods then 'error'
            when counted.warn_count >= judged.beyond_periods or judged.is_far_beyond then 'warn'
            when judged.is_beyond_warn or judged.is_beyond_error then 'watched'
            else 'ok'
        end as status

    from judged
    inner join versions on judged.implementation = versions.implementation
    left join counted
        on
            judged.implementation = counted.implementation
            and judged.measure = counted.measure
            and judged.subject = counted.subject
            and judged.period_at = counted.period_at

),

said as (

    select
        decided.*,
        format(
            '{}, {}: {:.3g} ({:.3g} to {:.3g}) on {} rows of {}; {} {:g} in {} of the last {} periods',
            meanings.meaning,
            decided.subject,
            decided.value,
            decided.lower_bound,
            decided.upper_bound,
            decided.row_count,
            strftime(decided.period_at, '%Y-%m-%d'),
            case decided.worse when 'higher' then 'above' else 'below' end,
            case
                when decided.status = 'error' then decided.error_limit
                when decided.is_lasting then decided.warn_limit
                else decided.at_once_limit
            end,
            case
                when decided.status = 'error' then decided.error_count
                when decided.is_lasting then decided.warn_count
                else 1
            end,
            least(decided.of_periods, decided.period_number)
        ) as finding,
        meanings.advice

    from decided
    inner join thresholds as meanings
        on
            decided.measure = meanings.measure
            and meanings.implementation = 'default'
            and meanings.subject = 'default'

),

signals as (

    select
        implementation,
        model_version,
        measure,
        subject,
        period_at,
        value,
        lower_bound,
        upper_bound,
        row_count,
        worse,
        warn_limit,
        error_limit,
        is_beyond_warn,
        is_beyond_error,
        warn_count,
        error_count,
        status,
        is_newest,
        is_newest and status in ('warn', 'error') and is_lasting and asks_for_training as asks_for_training,
        case when status in ('warn', 'error') then finding end as finding,
        case
            when status in ('warn', 'error')
                then concat(implementation, ', ', measure, ' (', model_version, '): ', finding, '. What to do: ', advice, '.')
        end as sentence

    from said

)

select * from signals
