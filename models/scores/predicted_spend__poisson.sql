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
        any_value(value) filter (where metric = 'interval_from') as score_from,
        any_value(value) filter (where metric = 'interval_half_width') as start_half_width,
        any_value(value) filter (where metric = 'interval_growth') as growth

    from metrics
    where metric in ('interval_from', 'interval_half_width', 'interval_growth')
    group by bin

),

scored as (

    {{ scored('lifetime_value__poisson', ['customer_id']) }}

),

widened as (

    select
        scored.*,
        widths.start_half_width
        + case when widths.growth = 0 then 0 else widths.growth * (scored.score - widths.score_from) end as half_width

    from scored
    asof left join widths on scored.score >= widths.score_from

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
