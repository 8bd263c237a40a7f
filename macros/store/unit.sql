{# A unit test that remembers: passed with the very same text, it is not asked again. #}
{% materialization unit, adapter='duckdb' %}
    {%- set question = sql ~ tojson(config.get('expected_rows')) ~ (config.get('expected_sql') or '') -%}
    {%- set remembered = scorehouse('passed_before', is_open=true, node_id=model.unique_id, sql=question) -%}
    {%- if remembered is not none -%}
        {%- call noop_statement('main', 'REMEMBERED', 'REMEMBERED', 0, remembered) -%}{{ sql }}{%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- set outcome = dbt.materialization_unit_default() -%}
    {#- dbt compares both sides later, as rows in whatever order -#}
    {%- set sides = {'actual': [], 'expected': []} -%}
    {%- for row in load_result('main').table.rows -%}
        {%- do sides[row['actual_or_expected']].append((row.values() | list)[:-1] | string) -%}
    {%- endfor -%}
    {%- if sides['actual'] | sort == sides['expected'] | sort -%}
        {%- do scorehouse('remember_passed', is_open=true, node_id=model.unique_id, sql=question) -%}
    {%- endif -%}
    {{ return(outcome) }}
{% endmaterialization %}
