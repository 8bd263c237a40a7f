{# A version without rows that it was trained on (a brought one) has nothing that its scores could have moved from. #}

with

past_scores as (

    select * from {{ ref('past_scores') }}

),

trained as (

    select
        implementation,
        model_version,
        count(*) as trained_count,
        {# with one below the lowest, so that nothing goes where all were without being seen #}
        list_sort(list_distinct(list_prepend(
            nextafter(min(score), cast('-infinity' as double)),
            quantile_disc(score, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
        ))) as ends

    from past_scores
    where is_trained_on
    group by implementation, model_version

),

counts as (

    select
        trained.implementation,
        trained.model_version,
        case when not past_scores.is_trained_on then past_scores.period_at end as period_at,
        any_value(trained.trained_count) as trained_count,
        any_value(trained.ends) as ends,
        count(*) as all_count,
        histogram(past_scores.score, trained.ends) as counts

    from past_scores
    inner join trained on past_scores.implementation = trained.implementation
    group by trained.implementation, trained.model_version, case when not past_scores.is_trained_on then past_scores.period_at end

),

ends as (

    select
        implementation,
        unnest(list_append(ends, cast('infinity' as double))) as bin

    from trained

),

bins as (

    select
        counts.implementation,
        counts.model_version,
        counts.period_at,
        ends.bin,
        counts.all_count,
        coalesce(counts.counts[ends.bin], 0) as row_count,
        trained_counts.all_count as trained_count,
        coalesce(trained_counts.counts[ends.bin], 0) / trained_counts.all_count as trained_share

    from counts
    inner join counts as trained_counts
        on counts.implementation = trained_counts.implementation and trained_counts.period_at is null
    inner join ends on counts.implementation = ends.implementation
    where counts.period_at is not null

),

stability as (

    {{ stability_index(bins='bins', by=['implementation', 'model_version', 'period_at']) }}

)

select * from stability
