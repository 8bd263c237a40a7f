with

counted as (

    select
        cast(null as varchar) as implementation,
        cast(null as varchar) as decision,
        cast(null as timestamp) as period_at,
        cast(null as boolean) as is_trained_on,
        cast(null as bigint) as row_count,
        cast(null as bigint) as decided_count
    where false
    {%- for name in counted_decisions() %}
    union all
    select
        implementation,
        decision,
        period_at,
        is_trained_on,
        row_count,
        decided_count
    from {{ ref(name) }}
    {%- endfor %}

),

{# what is usual: of a model's decisions, those of the time that it was trained on; of an arm's, all before #}
compared as (

    select
        *,
        decided_count / row_count as rate,
        coalesce(
            sum(decided_count) filter (where is_trained_on) over series / sum(row_count) filter (where is_trained_on) over series,
            sum(decided_count) over earlier / sum(row_count) over earlier
        ) as usual_rate

    from counted
    window
        series as (partition by implementation, decision),
        earlier as (
            partition by implementation, decision
            order by period_at
            rows between unbounded preceding and 1 preceding
        )

),

decision_rates as (

    select
        implementation,
        decision,
        period_at,
        is_trained_on,
        row_count,
        decided_count,
        rate,
        {{ share_bounds('rate', 'row_count') }},
        usual_rate

    from compared

)

select * from decision_rates
