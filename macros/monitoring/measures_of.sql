{#
    How good each version is at each time whose labels have matured, beside its baseline on the same rows, and what could be said
    of it before they had, as a whole select: a row a metric, implementation and time, with values and their standard errors; value is
    NULL where there is none. Each time is measured by itself.

    Example:
        {{ measures_of(ref('past_scores_at_once')) }}

    Arguments:
        past_scores: what a version says of past rows, and what came of them: a relation as past_scores_of() selects it

    auc, and its lead: DeLong, DeLong, Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
    characteristic curves, from ranks as Sun and Xu (2014) find them.
    average_precision: as scikit-learn defines it; its interval is that of a share of as many rows as are positive (Boyd, Eng,
    Page (2013), Area under the precision-recall curve); that of its lead takes both for independent: wider than the truth.
    calibration_error: mean distance of predicted and realised in tenths of the rows by score (Naeini, Cooper, Hauskrecht, 2015),
    with the error of the tenths' shares (Agresti, Coull, 1998).
    Before the labels: every row is positive with its own probability (confidence-based estimation; Bialek, Kuberski, Perrakis,
    Bifet (2024), Estimating model performance under covariate shift without labels), which is right while probabilities are;
    its interval is that of Hanley and McNeil (1982). That of an error stands in error_estimates.
#}
{% macro measures_of(past_scores) -%}
    {%- do _expect('measures_of', past_scores=['table', past_scores]) %}
with

versions as (

    select * from {{ ref('served_versions') }}

),

past_scores as (

    select
        past_scores.implementation,
        past_scores.model_version,
        past_scores.entity_id,
        past_scores.period_at,
        not past_scores.is_held_out as is_trained_on,
        past_scores.held_out_score as score,
        past_scores.baseline_score,
        past_scores.realised,
        versions.task,
        versions.is_probability,
        versions.baseline

    from {{ past_scores }} as past_scores
    inner join versions on past_scores.implementation = versions.implementation

),

periods as (

    select
        implementation,
        period_at,
        max(model_version) as model_version,
        bool_or(is_trained_on) as is_trained_on,
        max(task) as task,
        bool_or(is_probability) as is_probability,
        max(baseline) as baseline,
        {# a baseline without a usable version says nothing; where it lacks a row, it says 0 of that #}
        count(baseline_score) > 0 as has_baseline

    from past_scores
    group by implementation, period_at

),

matured as (

    select * replace (coalesce(baseline_score, 0) as baseline_score)
    from past_scores
    where realised is not null

),

sizes as (

    select
        implementation,
        period_at,
        {{ exact_size('greatest(abs(score), abs(realised))') }} as size,
        {{ exact_size('greatest(abs(score), abs(realised), abs(baseline_score))') }} as lead_size

    from matured
    group by implementation, period_at

),

differences as (

    select
        matured.*,
        sizes.size,
        sizes.lead_size,
        matured.score - matured.realised as residual,
        abs(matured.baseline_score - matured.realised) as baseline_error,
        baseline_error - abs(residual) as lead

    from matured
    inner join sizes on matured.implementation = sizes.implementation and matured.period_at = sizes.period_at

),

residuals as (

    select
        implementation,
        period_at,
        count(*) as row_count,
        {{ exact_sum('score', size='size') }} / count(*) as mean_score,
        {# what nothing came of is as far off as it was predicted #}
        coalesce(nullif({{ exact_sum('abs(realised)', size='size') }} / count(*), 0), nullif(abs(mean_score), 0)) as usual_size,
        {{ exact_sum('residual', size='size') }} / count(*) as mean_residual,
        {{ exact_sum('pow(residual / size, 2)') }} * pow(max(size + 0.0), 2) / count(*) as mean_square,
        {# where probabilities are right, outcomes vary as these say, also where by chance none came #}
        greatest(
            mean_square - pow(mean_residual, 2),
            case when bool_or(is_probability) then {{ exact_sum('score * (1 - score)') }} / count(*) else 0 end
        ) as residual_variance,
        {{ exact_sum('abs(residual)', size='size') }} / count(*) as mean_error,
        mean_square - pow(mean_error, 2) as error_variance,
        {{ exact_sum('baseline_error', size='lead_size') }} / count(*) as mean_baseline_error,
        {{ exact_sum('lead', size='lead_size') }} / count(*) as mean_lead,
        {{ exact_sum('pow(lead / lead_size, 2)') }} * pow(max(lead_size + 0.0), 2) / count(*) - pow(mean_lead, 2) as lead_variance

    from differences
    group by implementation, period_at

),

ranked as (

    select
        implementation,
        period_at,
        cast(realised as integer) as realised,
        count(*) over (partition by implementation, period_at) as all_count,
        count(*) over (partition by implementation, period_at, realised) as alike_count,
        {{ ranks_by('score', 'model') }},
        {{ ranks_by('baseline_score', 'baseline') }},
        model_beaten - baseline_beaten as lead_beaten

    from matured
    where task = 'classification' and realised in (0, 1)

),

{# sums of whole numbers are exact; products of counts are doubles, which no large day exceeds #}
by_outcome as (

    select
        implementation,
        period_at,
        realised,
        alike_count,
        all_count - alike_count as other_count,
        {%- for one in ['model', 'baseline', 'lead'] %}
        sum({{ one }}_beaten) / (2 * alike_count * nullif(other_count, 0)) as {{ one }}_share,
        (alike_count * sum({{ one }}_beaten * {{ one }}_beaten) - sum({{ one }}_beaten) * sum({{ one }}_beaten))
        / nullif(pow(2.0 * alike_count * other_count, 2) * (alike_count - 1), 0) as {{ one }}_variance,
        {%- endfor %}
        {{ exact_sum('(alike_count - model_rank_alike + 1) / (all_count - model_rank + 1)') }} / alike_count as model_precision,
        {{ exact_sum('(alike_count - baseline_rank_alike + 1) / (all_count - baseline_rank + 1)') }} / alike_count
            as baseline_precision

    from ranked
    group by implementation, period_at, realised, all_count, alike_count

),

areas as (

    select
        positives.implementation,
        positives.period_at,
        positives.alike_count as positive_count,
        positives.model_share as auc,
        sqrt(positives.model_variance + negatives.model_variance) as auc_deviation,
        positives.baseline_share as baseline_auc,
        positives.lead_share as auc_lead,
        sqrt(positives.lead_variance + negatives.lead_variance) as auc_lead_deviation,
        positives.model_precision as average_precision,
        sqrt(positives.model_precision * (1 - positives.model_precision) / positives.alike_count) as precision_deviation,
        positives.baseline_precision,
        sqrt(
            (
                positives.model_precision * (1 - positives.model_precision)
                + positives.baseline_precision * (1 - positives.baseline_precision)
            ) / positives.alike_count
        ) as precision_lead_deviation

    from by_outcome as positives
    inner join by_outcome as negatives
        on
            positives.implementation = negatives.implementation
            and positives.period_at = negatives.period_at
            and positives.realised = 1
            and negatives.realised = 0

),

placed as (

    select
        *,
        {# equal scores stay together, in the tenth that their middle row is in #}
        cast(
            floor(
                10 * (rank() over (together order by score) - 1 + count(*) over (partition by implementation, period_at, score) / 2)
                / count(*) over (together)
            ) as integer
        ) as tenth

    from matured
    where is_probability
    window together as (partition by implementation, period_at)

),

tenths as (

    select
        implementation,
        period_at,
        tenth,
        count(*) as row_count,
        {{ exact_sum('score') }} / count(*) as predicted,
        {{ exact_sum('realised') }} / count(*) as realised

    from placed
    group by implementation, period_at, tenth

),

calibration as (

    select
        implementation,
        period_at,
        sum(row_count) as row_count,
        {{ exact_sum('row_count * abs(predicted - realised)') }} / sum(row_count) as calibration_error,
        {# one row of each kind added: a tenth without a positive is not known for sure #}
        sqrt(
            {{ exact_sum('row_count * (row_count * realised + 1) * (row_count * (1 - realised) + 1) / pow(row_count + 2, 2)') }}
        ) / sum(row_count) as calibration_deviation

    from tenths
    group by implementation, period_at

),

{# what is positive, with its own probability; decimals, whose sums are exact #}
by_score as (

    select
        implementation,
        period_at,
        score + 0.0 as probability,
        count(*) as row_count,
        cast(row_count * probability as decimal(38, 12)) as positives,
        cast(row_count * (1 - probability) as decimal(38, 12)) as negatives,
        cast(row_count * probability * (1 - probability) as decimal(38, 12)) as own_pairs

    from past_scores
    where is_probability
    group by implementation, period_at, score + 0.0

),

expected as (

    select
        *,
        sum(negatives) over upwards - negatives as negatives_below,
        sum(positives) over downwards as positives_from_here,
        sum(row_count) over downwards as rows_from_here

    from by_score
    window
        upwards as (partition by implementation, period_at order by probability),
        downwards as (partition by implementation, period_at order by probability desc)

),

estimates as (

    select
        implementation,
        period_at,
        cast(sum(positives) as double) as positive_count,
        cast(sum(negatives) as double) as negative_count,
        {{ exact_sum(
            'cast(positives as double) * cast(2 * negatives_below + negatives as double) - cast(own_pairs as double)'
        ) }} / nullif(2 * (positive_count * negative_count - cast(sum(own_pairs) as double)), 0) as auc,
        {{ exact_sum('cast(positives as double) * cast(positives_from_here as double) / cast(rows_from_here as double)') }}
        / nullif(positive_count, 0) as average_precision,
        sqrt(
            (
                auc * (1 - auc)
                + (positive_count - 1) * (auc / (2 - auc) - auc * auc)
                + (negative_count - 1) * (2 * auc * auc / (1 + auc) - auc * auc)
            ) / nullif(positive_count * negative_count, 0)
        ) as auc_deviation,
        sqrt(average_precision * (1 - average_precision) / nullif(positive_count, 0)) as precision_deviation

    from expected
    group by implementation, period_at

),

{# a value and what it is measured by, with their standard errors #}
measured as (

    select
        periods.implementation,
        periods.model_version,
        periods.period_at,
        periods.is_trained_on,
        periods.baseline,
        periods.has_baseline,
        residuals.row_count,
        areas.positive_count,
        unnest(  -- noqa: AL03
            [
                struct_pack(
                    metric := 'auc',
                    value := areas.auc,
                    deviation := areas.auc_deviation,
                    baseline_value := areas.baseline_auc,
                    lead := areas.auc_lead,
                    lead_deviation := areas.auc_lead_deviation,
                    estimated_value := estimates.auc,
                    estimated_deviation := estimates.auc_deviation
                ),
                struct_pack(
                    metric := 'average_precision',
                    value := areas.average_precision,
                    deviation := areas.precision_deviation,
                    baseline_value := areas.baseline_precision,
                    lead := areas.average_precision - areas.baseline_precision,
                    lead_deviation := areas.precision_lead_deviation,
                    estimated_value := estimates.average_precision,
                    estimated_deviation := estimates.precision_deviation
                ),
                struct_pack(
                    metric := 'calibration_error',
                    value := calibration.calibration_error,
                    deviation := calibration.calibration_deviation,
                    baseline_value := cast(null as double),
                    lead := cast(null as double),
                    lead_deviation := cast(null as double),
                    estimated_value := cast(null as double),
                    estimated_deviation := cast(null as double)
                ),
                struct_pack(
                    metric := 'bias',
                    value := case
                        when periods.task = 'regression' or periods.is_probability
                            then residuals.mean_residual / residuals.usual_size
                    end,
                    deviation := sqrt(residuals.residual_variance / residuals.row_count) / residuals.usual_size,
                    baseline_value := cast(null as double),
                    lead := cast(null as double),
                    lead_deviation := cast(null as double),
                    estimated_value := cast(null as double),
                    estimated_deviation := cast(null as double)
                ),
                struct_pack(
                    metric := 'mae',
                    value := case when periods.task = 'regression' then residuals.mean_error end,
                    deviation := sqrt(greatest(residuals.error_variance, 0) / residuals.row_count),
                    baseline_value := residuals.mean_baseline_error,
                    lead := residuals.mean_lead / nullif(residuals.mean_baseline_error, 0),
                    lead_deviation := sqrt(greatest(residuals.lead_variance, 0) / residuals.row_count)
                    / nullif(residuals.mean_baseline_error, 0),
                    estimated_value := cast(null as double),
                    estimated_deviation := cast(null as double)
                )
            ],
            max_depth => 2
        )

    from periods
    left join residuals on periods.implementation = residuals.implementation and periods.period_at = residuals.period_at
    left join areas on periods.implementation = areas.implementation and periods.period_at = areas.period_at
    left join calibration on periods.implementation = calibration.implementation and periods.period_at = calibration.period_at
    left join estimates on periods.implementation = estimates.implementation and periods.period_at = estimates.period_at

)

select * from measured
{%- endmacro %}
