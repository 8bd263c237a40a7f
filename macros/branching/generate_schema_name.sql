{# A model's schema is its folder's, on every branch: a branch has a database of its own, so SQL is the same everywhere. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
