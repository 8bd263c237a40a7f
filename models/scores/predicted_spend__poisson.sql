with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

metrics as (

    select unnest(metrics, max_depth => 2)  -- noqa: AL03
    from {{ served_version('lifetime_value__poisson', 'predicted_spend__poisson') }}

),

{# who is predicted to spend more has a wider interval #}
widths as (

    select
        bin,
        max(value + 0.0) filter (where metric = 'interval_from') as score_from,
        max(value + 0.0) filter (where metric = 'interval_half_width') as start_half_width,
        max(value + 0.0) filter (where metric = 'interval_growth') as growth

    from metrics
    where metric in ('interval_from', 'interval_half_width', 'interval_growth')
    group by bin

),

ranges as (

    select
        *,
        lead(score_from) over (order by score_from, bin) as score_until

    from widths
    where score_from is not null

),

scored as (

    {{ scored('lifetime_value__poisson', ['customer_id']) }}

),

widened as (

    select
        scored.*,
        ranges.start_half_width
        + case when ranges.growth = 0 then 0 else ranges.growth * (scored.score - ranges.score_from) end as half_width

    from scored
    left join ranges
        on scored.score >= ranges.score_from and (scored.score < ranges.score_until or ranges.score_until is null)

),

{# without an interval both ends are NULL #}
bounded as (

    select
        * exclude (half_width),
        case when half_width is not null then greatest(score - half_width, 0) end as score_low,
        score + half_width as score_high

    from widened

)

select * from bounded
