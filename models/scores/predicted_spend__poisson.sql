with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

version as (

    select interval_half_width from {{ ref('lifetime_value__poisson') }}

),

scored as (

    select
        customer_id,
        {{ score('lifetime_value__poisson') }} as score,
        'predicted_spend__poisson' as implementation,
        {{ model_version('lifetime_value__poisson') }} as model_version,
        as_of,
        {{ built_at() }} as scored_at,
        {{ reasons('lifetime_value__poisson') }} as reasons

    from snapshots

),

{# a model without a usable version gives no score: the table is empty, not wrong #}
usable as (

    select
        scored.*,
        greatest(scored.score - version.interval_half_width, 0) as score_low,
        scored.score + version.interval_half_width as score_high

    from scored
    cross join version
    where scored.score is not null

)

select * from usable
