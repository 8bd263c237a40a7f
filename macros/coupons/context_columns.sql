{#
    Columns of uplift_examples with the context that was logged with an offer, by the place of the feature in context_features;
    the first place is the constant's.

    Example:
        {{ context_columns() }}  ->  {2: 'context_2', 3: 'context_3', ...}
#}
{% macro context_columns() -%}
    {%- set columns = {} -%}
    {%- for place in range(2, var('maximum_context_features') + 2) -%}
        {%- do columns.update({place: 'context_' ~ place}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
