{#
    Definitions of the windows day_before, week_before and month_before: what lies before a row's own `moment`, and not at it.

    Example:
        window {{ windows_before('customer_id') }}

    Arguments:
        key: the column whose rows count together
#}
{% macro windows_before(key) -%}
    {%- do _expect('windows_before', key=['column', key]) -%}
    {%- for name, length in [("day_before", "1 day"), ("week_before", "7 days"), ("month_before", "30 days")] -%}
        {{ name }} as (
            partition by {{ key }} order by moment
            range between interval {{ length }} preceding and interval 1 microsecond preceding
        ){{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
