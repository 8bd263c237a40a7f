{#
    How far off predictions of a number are going to be, before their labels are known: as far as those of the same size were at
    earlier times whose labels were known by then. An expected error a row follows from its prediction (direct loss estimation, as
    NannyML names it, here by tenths of the predictions); their mean and its error are those of a sample whose tenths are weighted by
    how many rows each has now (Holt, Smith (1979), Post stratification). None where a tenth has rows now, and had too few before.
#}

with

versions as (

    select * from {{ ref('served_versions') }}
    where task = 'regression'

),

placed as (

    select
        past_scores.implementation,
        past_scores.entity_id,
        past_scores.period_at,
        versions.horizon_days,
        cast(
            ceil(10 * cume_dist() over (partition by past_scores.implementation order by past_scores.held_out_score)) as integer
        ) as tenth,
        abs(past_scores.held_out_score - past_scores.realised) as error

    from {{ ref('past_scores') }} as past_scores
    inner join versions on past_scores.implementation = versions.implementation
    where past_scores.is_held_out

),

sizes as (

    select
        implementation,
        {{ exact_size('error') }} as size

    from placed
    group by implementation

),

tenths as (

    select
        placed.implementation,
        placed.period_at,
        placed.tenth,
        max(placed.horizon_days) as horizon_days,
        count(*) as row_count,
        count(placed.error) as known_count,
        coalesce({{ exact_sum('placed.error', size='sizes.size') }}, 0) as error_sum,
        coalesce({{ exact_sum('pow(placed.error / sizes.size, 2)') }} * pow(max(sizes.size + 0.0), 2), 0) as squared_sum

    from placed
    inner join sizes on placed.implementation = sizes.implementation
    group by placed.implementation, placed.period_at, placed.tenth

),

earlier as (

    select
        tenths.implementation,
        tenths.period_at,
        tenths.tenth,
        max(tenths.row_count) as row_count,
        coalesce(sum(known.known_count), 0) as earlier_count,
        sum(known.error_sum order by known.period_at) / nullif(earlier_count, 0) as mean_error,
        greatest(sum(known.squared_sum order by known.period_at) / nullif(earlier_count, 0) - pow(mean_error, 2), 0)
            as error_variance

    from tenths
    left join tenths as known
        on
            tenths.implementation = known.implementation
            and tenths.tenth = known.tenth
            and known.period_at + to_days(known.horizon_days) <= tenths.period_at
    group by tenths.implementation, tenths.period_at, tenths.tenth

),

estimates as (

    select
        implementation,
        period_at,
        sum(row_count * mean_error order by tenth) / sum(row_count) as estimated_error,
        sqrt(
            sum(row_count * error_variance order by tenth)
            + sum(pow(row_count, 2) * error_variance / earlier_count order by tenth)
        ) / sum(row_count) as standard_error

    from earlier
    group by implementation, period_at
    having min(earlier_count) >= 30

)

select * from estimates
