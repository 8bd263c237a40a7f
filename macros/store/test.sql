{#
    A data test that remembers: passed on the very same data and text, it is not asked again.
    Everything else is dbt's own `test` materialization.
#}
{% materialization test, adapter='duckdb' %}
    {%- do scorehouse('check_sql', node_id=model.unique_id, sql=sql) -%}
    {%- if should_store_failures() -%}
        {{ return(dbt.materialization_test_default()) }}
    {%- endif -%}
    {%- if scorehouse('has_passed', node_id=model.unique_id, sql=sql) -%}
        {%- call statement('main', fetch_result=True) -%}
            select 0 as failures, false as should_warn, false as should_error
        {%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- set outcome = dbt.materialization_test_default() -%}
    {%- set row = load_result('main').table.rows[0] -%}
    {%- if not row['should_warn'] and not row['should_error'] -%}
        {%- do scorehouse('remember_passed', node_id=model.unique_id, sql=sql) -%}
    {%- endif -%}
    {{ return(outcome) }}
{% endmaterialization %}
