{#
    The newest as-of time: what `now()` would mean here, but the same in every run on the same data.

    Example:
        where occurred_at >= {{ as_of() }} - interval 30 days
#}
{% macro as_of() -%}
    (select max(as_of_times.as_of) from {{ ref('int_as_of_times') }} as as_of_times)
{%- endmacro %}
