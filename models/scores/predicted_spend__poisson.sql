with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

version as (

    select interval_half_width from {{ ref('lifetime_value__poisson') }}

),

scored as (

    {{ scored('lifetime_value__poisson', ['customer_id']) }}

),

bounded as (

    select
        scored.*,
        greatest(scored.score - version.interval_half_width, 0) as score_low,
        scored.score + version.interval_half_width as score_high

    from scored
    cross join version

)

select * from bounded
