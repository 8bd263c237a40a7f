with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

metrics as (

    select unnest(metrics, max_depth => 2)  -- noqa: AL03
    from {{ ref('lifetime_value__poisson') }}

),

{# who is predicted to spend more has a wider interval #}
widths as (

    select
        bin,
        any_value(value) filter (where metric = 'interval_from') as score_from,
        any_value(value) filter (where metric = 'interval_half_width') as half_width

    from metrics
    where metric in ('interval_from', 'interval_half_width')
    group by bin

),

scored as (

    {{ scored('lifetime_value__poisson', ['customer_id']) }}

),

bounded as (

    select
        scored.*,
        greatest(scored.score - widths.half_width, 0) as score_low,
        scored.score + widths.half_width as score_high

    from scored
    asof left join widths on scored.score >= widths.score_from

)

select * from bounded
