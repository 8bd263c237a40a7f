{#- the loop's names and conditions have passed the gate; see macros/segments -#}
{%- set rules = rule_conditions(ref('segment_rules'), 'segment', over=ref('current_snapshots')) -%}
{%- set before = served_before(
    this, unlike=ref('customer_segments__kmeans'), columns=['customer_id', 'segment', 'segment_number']
) -%}

with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

clusters as (

    select * from {{ ref('customer_segments__kmeans') }}

),

segments as (

    select * from {{ ref('segments') }}

),

{# why a customer is in a rule's segment: what the seed says of it #}
descriptions as (

    select map_from_entries(list(struct_pack(k := segment, v := description) order by place)) as by_segment
    from {{ ref('segment_rules') }}

),

before as (

    {% if before %}
    select
        customer_id,
        segment,
        segment_number
    from {{ before }}
    {% else %}
    select
        cast(null as varchar) as customer_id,
        cast(null as varchar) as segment,
        cast(null as integer) as segment_number
    where false
    {% endif %}

),

by_rule as (

    select
        customer_id,
        as_of,
        list_filter(
            [
                {%- for name, condition in rules %}
                case when {{ condition }} then '{{ name | replace("'", "''") }}' end,
                {%- endfor %}
                cast(null as varchar)
            ],
            lambda segment: segment is not null
        ) as rule_segments

    from snapshots

),

customer_segments as (

    select
        by_rule.customer_id,
        segments.segment,
        segments.segment_number,
        clusters.distance,
        by_rule.rule_segments,
        list_transform(by_rule.rule_segments, lambda name: descriptions.by_segment[name]) as rule_reasons,  -- noqa: RF02
        before.segment as previous_segment,
        before.segment_number as previous_segment_number,
        segments.segment_number <> before.segment_number or segments.segment <> before.segment as has_moved,
        clusters.implementation,
        clusters.model_version,
        by_rule.as_of,
        {{ built_at() }} as scored_at

    from by_rule
    cross join descriptions
    left join clusters on by_rule.customer_id = clusters.customer_id
    left join segments on clusters.cluster = segments.cluster
    left join before on by_rule.customer_id = before.customer_id

)

select * from customer_segments
