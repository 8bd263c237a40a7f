{#
    When a stored row was computed (UTC). The store fills it in; it is no part of a fingerprint, so it rebuilds nothing.

    Example:
        {{ built_at() }} as scored_at  ->  cast(getvariable('built_at') as timestamp) as scored_at
#}
{% macro built_at() -%}
    cast(getvariable('built_at') as timestamp)
{%- endmacro %}
