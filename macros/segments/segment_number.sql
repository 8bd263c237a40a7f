{#
    Number of a cluster's segment: as in main's current release where a centre matches one of its centres, so that a segment
    keeps its number while versions come and go. Without a release the clusters are numbered by money, the richest first.

    Example:
        {{ segment_number(ref('segment_centres'), this) }}  ->  case cluster when 0 then 2 when 1 then 1 end

    Arguments:
        centres: relation with model_version, cluster, recency_in_gaps, purchase_day_count, net_amount
        segments: relation that has the same columns and segment_number
#}
{% macro segment_number(centres, segments) -%}
    {%- do _expect('segment_number', centres=['relation', centres], segments=['relation', segments]) -%}
    {%- set coordinates = ['recency_in_gaps', 'purchase_day_count', 'net_amount'] -%}
    {%- set numbers = scorehouse('segment_numbers', centres=centres | string, segments=segments | string, coordinates=coordinates) or {} -%}
    {%- if numbers -%}
        case cluster
            {%- for cluster, number in numbers.items() | sort %} when {{ cluster }} then {{ number }}{% endfor %} end
    {%- else -%}
        cast(row_number() over (order by net_amount desc, cluster asc) as integer)
    {%- endif -%}
{%- endmacro %}
