{# A version without rows that it was trained on (a brought one) has nothing that its scores could have moved from. #}

with

counts as (

    select * from {{ ref('score_counts') }}

),

ends as (

    select
        implementation,
        unnest(list_append(ends, cast('infinity' as double))) as bin

    from counts
    where period_at is null

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
