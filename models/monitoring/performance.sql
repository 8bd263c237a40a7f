{#
    How good each version is at each time: what its rows' labels say (macros/monitoring/measures_of.sql), and its lists.

    ndcg_at_10: gains of all lists over the ideal ones (list_gains), with the error of a ratio of means (Cochran (1977), Sampling
    techniques); or the mean over customers, where training measures lists by itself (held_out_lists).
#}

with

versions as (

    select * from {{ ref('served_versions') }}

),

list_gains as (

    select * from {{ ref('list_gains') }}

),

held_out_lists as (

    select
        held_out_lists.*,
        versions.baseline

    from {{ ref('held_out_lists') }} as held_out_lists
    inner join versions on held_out_lists.implementation = versions.implementation

),

error_estimates as (

    select * from {{ ref('error_estimates') }}

),

{# of times that are settled, and of what is measured as a whole #}
measures as (

    select * from {{ ref('measures_by_time') }}
    union all
    select * from {{ ref('measures_at_once') }}

),

periods as (

    select
        implementation,
        period_at,
        max(model_version) as model_version,
        bool_or(is_trained_on) as is_trained_on,
        max(baseline) as baseline,
        bool_or(has_baseline) as has_baseline

    from measures
    group by implementation, period_at
    union all
    select
        implementation,
        period_at,
        model_version,
        false as is_trained_on,
        baseline,
        baseline_ndcg is not null as has_baseline

    from held_out_lists

),

{# a ratio of means: what a list gains beyond its share of the ideal is its residual #}
ordered as (

    select
        implementation,
        period_at,
        count(*) as list_count,
        sum(ideal_gain order by list_id) / count(*) as mean_ideal_gain,
        sum(gain order by list_id) / count(*) / mean_ideal_gain as ndcg,
        sum(baseline_gain order by list_id) / count(*) / mean_ideal_gain as baseline_ndcg,
        sum(pow(gain, 2) order by list_id) / count(*) as gain_squared,
        sum(gain * ideal_gain order by list_id) / count(*) as gain_by_ideal,
        sum(pow(gain - baseline_gain, 2) order by list_id) / count(*) as lead_squared,
        sum((gain - baseline_gain) * ideal_gain order by list_id) / count(*) as lead_by_ideal,
        sum(pow(ideal_gain, 2) order by list_id) / count(*) as ideal_squared

    from list_gains
    group by implementation, period_at

),

lists as (

    select
        implementation,
        period_at,
        list_count,
        ndcg,
        baseline_ndcg,
        ndcg - baseline_ndcg as lead,
        sqrt(greatest(gain_squared - 2 * ndcg * gain_by_ideal + pow(ndcg, 2) * ideal_squared, 0) / list_count) / mean_ideal_gain
            as standard_error,
        sqrt(greatest(lead_squared - 2 * lead * lead_by_ideal + pow(lead, 2) * ideal_squared, 0) / list_count) / mean_ideal_gain
            as lead_standard_error

    from ordered
    union all
    select
        implementation,
        period_at,
        list_count,
        ndcg,
        baseline_ndcg,
        ndcg - baseline_ndcg as lead,
        standard_error,
        {# as if both were of other customers: wider than the truth #}
        sqrt(pow(standard_error, 2) + pow(baseline_standard_error, 2)) as lead_standard_error

    from held_out_lists

),

measured as (

    select
        measures.implementation,
        measures.period_at,
        measures.row_count,
        measures.positive_count,
        measures.metric,
        measures.value,
        measures.deviation,
        measures.baseline_value,
        measures.lead,
        measures.lead_deviation,
        case when measures.metric = 'mae' then error_estimates.estimated_error else measures.estimated_value end
            as estimated_value,
        case when measures.metric = 'mae' then error_estimates.standard_error else measures.estimated_deviation end
            as estimated_deviation

    from measures
    left join error_estimates
        on measures.implementation = error_estimates.implementation and measures.period_at = error_estimates.period_at
    union all
    select
        implementation,
        period_at,
        list_count as row_count,
        null as positive_count,
        'ndcg_at_10' as metric,
        ndcg as value,
        standard_error as deviation,
        baseline_ndcg as baseline_value,
        lead,
        lead_standard_error as lead_deviation,
        null as estimated_value,
        null as estimated_deviation
    from lists

),

leads as (

    select
        measured.implementation,
        measured.period_at,
        measured.metric,
        periods.baseline,
        measured.baseline_value,
        measured.lead,
        measured.lead - 1.959963984540054 * measured.lead_deviation as lead_lower_bound,
        measured.lead + 1.959963984540054 * measured.lead_deviation as lead_upper_bound

    from measured
    inner join periods on measured.implementation = periods.implementation and measured.period_at = periods.period_at
    where periods.has_baseline and measured.baseline_value is not null

),

performance as (

    select
        measured.implementation,
        periods.model_version,
        periods.period_at,
        measured.metric,
        periods.is_trained_on,
        measured.row_count,
        measured.positive_count,
        measured.value,
        measured.value - 1.959963984540054 * measured.deviation as lower_bound,
        measured.value + 1.959963984540054 * measured.deviation as upper_bound,
        leads.baseline,
        leads.baseline_value,
        leads.lead,
        leads.lead_lower_bound,
        leads.lead_upper_bound,
        measured.estimated_value,
        measured.estimated_value - 1.959963984540054 * measured.estimated_deviation as estimated_lower_bound,
        measured.estimated_value + 1.959963984540054 * measured.estimated_deviation as estimated_upper_bound

    from measured
    inner join periods on measured.implementation = periods.implementation and measured.period_at = periods.period_at
    left join leads
        on
            measured.implementation = leads.implementation
            and measured.period_at = leads.period_at
            and measured.metric = leads.metric
    where measured.value is not null or measured.estimated_value is not null

)

select * from performance
