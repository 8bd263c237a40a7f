{# A unit test that remembers: passed with the very same text, it is not asked again. #}
{% materialization unit, adapter='duckdb' %}
    {%- set question = sql ~ tojson(config.get('expected_rows')) ~ (config.get('expected_sql') or '') -%}
    {%- if scorehouse('has_passed', node_id=model.unique_id, sql=question) -%}
        {%- call statement('main', fetch_result=True) -%}
            select 'actual' as actual_or_expected, 0 as unchanged where false
        {%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- set outcome = dbt.materialization_unit_default() -%}
    {%- if load_result('main').table.rows | length == 0 -%}
        {%- do scorehouse('remember_passed', node_id=model.unique_id, sql=question) -%}
    {%- endif -%}
    {{ return(outcome) }}
{% endmaterialization %}
