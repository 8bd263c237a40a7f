{#
    How many of each feature's values fall where, at each time after the training: counted column by column, so that a snapshot is
    read once and no row becomes one a feature.
#}

with

versions as (

    select * from {{ ref('served_versions') }}

),

trained_features as (

    select * from {{ ref('trained_features') }}

),

{# where the bins of a number end; nothing for categories #}
ends as (

    select
        implementation,
        feature,
        list_sort(list_distinct(quantiles[2:])) as bin_ends

    from trained_features

),

counts as (

    select
        cast(null as varchar) as implementation,
        cast(null as timestamp) as period_at,
        cast(null as varchar) as feature,
        cast(null as bigint) as row_count,
        cast(null as bigint) as missing_count,
        cast(null as map(double, ubigint)) as number_counts,
        cast(null as map(varchar, ubigint)) as category_counts
    where false
    {%- for one in monitored() %}
    {%- set features = fitted_version(ref(one.model), one.implementation).features or [] %}
    {%- if features %}
    union all
    select
        counted.implementation,
        counted.period_at,
        unnest(counted.features, max_depth => 2)
    from (
        select
            '{{ one.implementation }}' as implementation,
            cast({{ one.period }} as timestamp) as period_at,
            [
                {%- for feature in features %}
                {%- set is_category = feature.kind == 'categorical' %}
                {%- set value = feature.name if is_category else 'nullif(cast(' ~ feature.name ~ " as double), cast('nan' as double))" %}
                {%- set ends = "(select bin_ends from ends where implementation = '" ~ one.implementation ~ "' and feature = '" ~ feature.name ~ "')" %}
                struct_pack(
                    feature := '{{ feature.name }}',
                    row_count := count(*),
                    missing_count := count(*) - count({{ value }}),
                    number_counts := {{ 'cast(null as map(double, ubigint))' if is_category else 'histogram(' ~ value ~ ', ' ~ ends ~ ')' }},
                    category_counts := {{ 'histogram(cast(' ~ value ~ ' as varchar))' if is_category else 'cast(null as map(varchar, ubigint))' }}
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ] as features
        from {{ ref(one.snapshots) }}
        where
            cast({{ one.period }} as timestamp)
            > (select coalesce(max(trained_until), timestamp '-infinity') from versions where implementation = '{{ one.implementation }}')
        group by period_at
    ) as counted
    {%- endif %}
    {%- endfor %}

)

select * from counts
