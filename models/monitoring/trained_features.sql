with

statistics as (

    select
        cast(null as varchar) as implementation,
        cast(null as varchar) as model_version,
        cast(null as varchar) as feature,
        cast(null as bigint) as trained_count,
        cast(null as double) as missing_share,
        cast(null as double[]) as quantiles,
        cast(null as double[]) as shares,
        cast(null as struct(category varchar, share double)[]) as categories
    where false
    {%- for one in monitored() %}
    union all
    select
        '{{ one.implementation }}' as implementation,
        model_version,
        feature,
        "count" as trained_count,
        missing_share,
        quantiles,
        shares,
        categories
    from (
        select
            model_version,
            unnest(feature_statistics, max_depth => 2)  -- noqa: AL03
        from {{ served_version(one.model, one.implementation) }}
        where status = 'ready'
    ) as listed
    {%- endfor %}

),

bounded as (

    select
        *,
        1 - coalesce(list_max(list_filter(shares, lambda share: share < 1)), 0) as last_share  -- noqa: RF02, the lambda's own

    from statistics

),

{# a number's bins end at the training's deciles and maximum. Where many rows equal the minimum it is a bin of its own; where an
   outer bin holds much of the training, what lies beyond it is one, or nothing would show that all rows went there #}
features as (

    select
        * exclude (last_share),
        case
            when quantiles is not null
                then list_sort(list_distinct(list_concat(
                    case when shares[1] >= 0.2 then [nextafter(quantiles[1], cast('-infinity' as double))] else [] end,
                    case when shares[1] >= 0.01 then [quantiles[1]] else [] end,
                    quantiles[2:],
                    case when last_share >= 0.2 then [cast('infinity' as double)] else [] end
                )))
        end as bin_ends

    from bounded

)

select * from features
