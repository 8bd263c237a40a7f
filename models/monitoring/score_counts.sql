{# Apart from score_drift, which adds floating-point numbers in an order: rows are counted in any, on all cores. #}

with

past_scores as (

    select * from {{ ref('past_scores') }}

),

trained as (

    select
        implementation,
        model_version,
        count(*) as trained_count,
        {# with one below the lowest, so that nothing goes where all were without being seen; no -0.0, which equals 0.0 #}
        list_sort(list_distinct(list_prepend(
            nextafter(min(score + 0.0), cast('-infinity' as double)),
            quantile_disc(score + 0.0, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
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

)

select * from counts
