{%- set rules = rule_conditions(ref('segment_names'), 'segment', over=ref('segment_centres')) -%}

with

centres as (

    select
        *,
        {{ segment_number(ref('segment_centres'), this) }} as segment_number

    from {{ ref('segment_centres') }}

),

named as (

    select
        *,
        coalesce(
            {%- for name, condition in rules %}
            case when {{ condition }} then '{{ name | replace("'", "''") }}' end,
            {%- endfor %}
            'segment'
        ) as name

    from centres

),

{# segments that share a name are told apart by a number, the one with the smallest number of its own goes without #}
segments as (

    select
        segment_number,
        case row_number() over (partition by name order by segment_number)
            when 1 then name
            else concat(name, ' ', row_number() over (partition by name order by segment_number))
        end as segment,
        * exclude (segment_number, name)

    from named

)

select * from segments
