{#
    Ends of the 95% interval of a share of some rows, as the columns lower_bound and upper_bound. Source: Wilson, 1927.

    Example:
        {{ share_bounds('share', 'row_count') }}  ->  (share + ...) / (1 + ...) as lower_bound, (share + ...) / (1 + ...) as upper_bound

    Arguments:
        share, row_count: columns
#}
{% macro share_bounds(share, row_count) -%}
    {%- do _expect('share_bounds', share=['column', share], row_count=['column', row_count]) -%}
    {%- set shrinkage = '3.841458820694124 / ' ~ row_count -%}
    {%- set half_width -%}
        1.959963984540054 * sqrt({{ share }} * (1 - {{ share }}) / {{ row_count }} + {{ shrinkage }} / {{ row_count }} / 4)
    {%- endset -%}
    ({{ share }} + {{ shrinkage }} / 2 - {{ half_width }}) / (1 + {{ shrinkage }}) as lower_bound,
    ({{ share }} + {{ shrinkage }} / 2 + {{ half_width }}) / (1 + {{ shrinkage }}) as upper_bound
{%- endmacro %}
