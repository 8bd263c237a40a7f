{#
    Ends of the 95% interval of an estimate whose error is normal, as the columns lower_bound and upper_bound.

    Example:
        {{ normal_bounds('effect', 'standard_error') }}
        ->  effect - 1.959963984540054 * standard_error as lower_bound, effect + ...

    Arguments:
        estimate, standard_error: columns
#}
{% macro normal_bounds(estimate, standard_error) -%}
    {%- do _expect('normal_bounds', estimate=['column', estimate], standard_error=['column', standard_error]) -%}
    {{ estimate }} - 1.959963984540054 * {{ standard_error }} as lower_bound,
    {{ estimate }} + 1.959963984540054 * {{ standard_error }} as upper_bound
{%- endmacro %}
