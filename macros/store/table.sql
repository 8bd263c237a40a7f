{#
    A stored model: computed once into an immutable file that its fingerprint names; the relation is a view of that file.
    `incremental` is the same: every build is whole and correct; for data that grows, `partitioned` computes only what is new.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {{ return(stored_model()) }}
{% endmaterialization %}

{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
    {{ return(stored_model()) }}
{% endmaterialization %}

{% macro stored_model(operation='table') %}
    {%- set columns_ddl = none -%}
    {%- if config.get('contract').enforced -%}
        {%- set columns_ddl = get_table_columns_and_constraints() -%}
        {#- the contract is part of the fingerprint: what is stored has met it -#}
        {%- if operation != 'table' or not scorehouse('is_stored', is_open=true, node_id=model.unique_id, sql=compiled_code, columns_ddl=columns_ddl) -%}
            {%- do scorehouse('check_sql', is_open=true, node_id=model.unique_id, sql=compiled_code) -%}
            {%- do get_assert_columns_equivalent(compiled_code) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(settled(operation, sql=compiled_code, columns_ddl=columns_ddl)) }}
{% endmacro %}
