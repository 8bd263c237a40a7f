with

features as (

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

)

select * from features
