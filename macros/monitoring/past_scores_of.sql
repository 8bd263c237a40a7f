{#
    What versions that serve now say of every snapshot since their training began, from what was known at its time alone, and what
    came of it, as a whole select: implementation, model_version, entity_id, period_at, is_trained_on, is_held_out, score,
    held_out_score, baseline_score and realised.

    Example:
        {{ past_scores_of(monitored() | selectattr('is_by_time') | list) }}

    Arguments:
        implementations: some of what monitored() gives, with snapshots; without any there are no rows, of times that are known in
            whatever products
#}
{% macro past_scores_of(implementations) -%}
    {%- do _expect('past_scores_of', implementations=['monitored', implementations]) %}
with

versions as (

    select * from {{ ref('served_versions') }}

),

scored as (

    {%- for one in implementations %}
    {{- '
    union all' if not loop.first }}
    select
        '{{ one.implementation }}' as implementation,
        {% set entity = one.key | reject('equalto', one.period) -%}
        concat_ws(' ', {{ entity | join(', ') }}) as entity_id,
        cast({{ one.period }} as timestamp) as period_at,
        {{ score(one.model, implementation=one.implementation) }} as score,
        {{ held_out_scores(one) }},
        realised_label as realised
    from (
        select
            snapshots.*,
            cast(examples.{{ one.label }} as double) as realised_label
        from (
            select * from {{ ref(one.snapshots) }}
            where
                cast({{ one.period }} as timestamp) >= (
                    select min(coalesce(trained_from, timestamp '-infinity'))
                    from versions
                    where implementation = '{{ one.implementation }}'
                )
        ) as snapshots
        left join {{ ref(one.examples) }} as examples
            on
                {% for column in one.key -%}
                {{ 'and ' if not loop.first }}snapshots.{{ column }} = examples.{{ column }}
                {% endfor -%}
    ) as snapshots
    {%- else %}
    select
        cast(null as varchar) as implementation,
        cast(null as varchar) as entity_id,
        cast(as_of as timestamp) as period_at,
        cast(null as double) as score,
        cast(null as boolean) as is_held_out,
        cast(null as double) as held_out_score,
        cast(null as double) as baseline_score,
        cast(null as double) as realised
    from {{ ref('int_as_of_times') }}
    where false
    {%- endfor %}

),

past_scores as (

    select
        scored.implementation,
        versions.model_version,
        scored.entity_id,
        scored.period_at,
        {# what was brought, or trained on no times, was trained on none of these #}
        coalesce(scored.period_at <= versions.trained_until, false) as is_trained_on,
        scored.is_held_out,
        scored.score,
        scored.held_out_score,
        scored.baseline_score,
        scored.realised

    from scored
    inner join versions on scored.implementation = versions.implementation
    where scored.score is not null

)

select * from past_scores
{%- endmacro %}
