{# A model that is only a query, under the same rule as a stored one: unchanged, it is left alone. #}
{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
    {%- if config.get('contract').enforced -%}
        {%- do scorehouse('check_sql', is_open=true, node_id=model.unique_id, sql=compiled_code) -%}
        {%- do get_assert_columns_equivalent(compiled_code) -%}
    {%- endif -%}
    {{ return(settled('view', sql=compiled_code)) }}
{% endmaterialization %}
