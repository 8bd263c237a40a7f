{#
    A sum of floating-point numbers that does not depend on the order of rows, a double: each is rounded to 18 decimals of a size, as
    decimals add exactly. NULL without any number; NaN where the size is none.

    Example:
        {{ exact_sum('score - realised', size='size') }}
        ->  cast(sum(try_cast((score - realised) / size as decimal(38, 18))) as double) * max(size + 0.0)

    Arguments:
        value: an expression
        size: a column that `exact_size` made, the same in all rows of a group; none for numbers around 1
#}
{% macro exact_sum(value, size=none) -%}
    {%- do _expect('exact_sum', value=['text', value], size=['column', size or 'none']) -%}
    cast(sum(try_cast({{ '(' ~ value ~ ') / ' ~ size if size else value }} as decimal(38, 18))) as double)
    {%- if size %} * max({{ size }} + 0.0){% endif %}
{%- endmacro %}
