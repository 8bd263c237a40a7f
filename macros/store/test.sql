{#
    A data test that remembers: passed on the very same data and text, it is not asked again. What a failed one found is said at the run's end.
    Everything else is dbt's own `test` materialization.
#}
{% materialization test, adapter='duckdb' %}
    {%- set remembered = scorehouse('passed_before', is_open=true, node_id=model.unique_id, sql=sql) -%}
    {%- if remembered and not should_store_failures() -%}
        {%- call noop_statement('main', 'REMEMBERED', 'REMEMBERED', 0, remembered) -%}{{ sql }}{%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- do scorehouse('check_sql', is_open=true, node_id=model.unique_id, sql=sql) -%}
    {%- set outcome = dbt.materialization_test_default() -%}
    {%- set row = load_result('main').table.rows[0] -%}
    {%- if not row['should_warn'] and not row['should_error'] -%}
        {%- do scorehouse('remember_passed', is_open=true, node_id=model.unique_id, sql=sql) -%}
    {%- else -%}
        {%- do scorehouse('failed_test', is_open=true, node_id=model.unique_id, sql=sql, count=row['failures'] | int) -%}
    {%- endif -%}
    {{ return(outcome) }}
{% endmaterialization %}
