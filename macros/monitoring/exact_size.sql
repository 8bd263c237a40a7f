{#
    The size that `exact_sum` asks for: a power of two, which divides without rounding, above all numbers of a group; 1 where they
    are all 0.

    Example:
        {{ exact_size('abs(error)') }}  ->  coalesce(pow(2, ceil(log2(nullif(max(abs(error) + 0.0), 0)))), 1)

    Arguments:
        value: an expression that is never below 0
#}
{% macro exact_size(value) -%}
    {%- do _expect('exact_size', value=['text', value]) -%}
    coalesce(pow(2, ceil(log2(nullif(max({{ value }} + 0.0), 0)))), 1)
{%- endmacro %}
