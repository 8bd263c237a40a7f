{#
    How many of each feature's values fall where, at each time after the training: counted column by column, so that a snapshot is
    read once and no row becomes one a feature.
#}

with

versions as (  -- noqa: ST03, read for each monitored model

    select * from {{ ref('served_versions') }}

),

trained_features as (  -- noqa: ST03, read for each monitored model

    select * from {{ ref('trained_features') }}

),

counts as (

    select
        cast(null as varchar) as implementation,
        cast(null as timestamp) as period_at,
        cast(null as varchar) as feature,
        cast(null as bigint) as row_count,
        cast(null as bigint) as missing_count,
        cast(null as map(double, ubigint)) as number_counts,  -- noqa: LT01
        cast(null as map(varchar, ubigint)) as category_counts  -- noqa: LT01
    where false
    {%- for one in monitored() %}
    {%- set features = fitted_version(ref(one.model), one.implementation).features or [] %}
    {%- if features %}
    union all
    select
        '{{ one.implementation }}' as implementation,
        counted.counted_at as period_at,
        unnest(counted.features, max_depth => 2)
    from (
        select
            snapshots.counted_at,
            [
                {%- for feature in features %}
                {%- if feature.kind == 'categorical' %}
                {%- set value = 'snapshots.' ~ feature.name %}
                {%- set numbers = 'cast(null as map(double, ubigint))' %}
                {%- set categories = 'histogram(cast(' ~ value ~ ' as varchar))' %}
                {%- else %}
                {%- set value = 'nullif(cast(snapshots.' ~ feature.name ~ " as double), cast('nan' as double))" %}
                {%- set numbers = 'histogram(' ~ value ~ ', ends.' ~ feature.name ~ ')' %}
                {%- set categories = 'cast(null as map(varchar, ubigint))' %}
                {%- endif %}
                struct_pack(
                    feature := '{{ feature.name }}',
                    row_count := count(*),
                    missing_count := count(*) - count({{ value }}),
                    number_counts := {{ numbers }},
                    category_counts := {{ categories }}
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ] as features
        from (
            select
                *,
                cast({{ one.period }} as timestamp) as counted_at
            from {{ ref(one.snapshots) }}
        ) as snapshots
        cross join (
            select
                {%- for feature in features %}
                {#- nothing where no version is ready, or the training had no value #}
                coalesce(
                    any_value(bin_ends) filter (where feature = '{{ feature.name }}'),
                    cast([] as double[])
                ) as {{ feature.name }}{{ ',' if not loop.last }}
                {%- endfor %}
            from trained_features
            where implementation = '{{ one.implementation }}'
        ) as ends
        where
            snapshots.counted_at > (
                select coalesce(max(trained_until), timestamp '-infinity')
                from versions
                where implementation = '{{ one.implementation }}'
            )
        group by snapshots.counted_at
    ) as counted
    {%- endif %}
    {%- endfor %}

)

select * from counts
