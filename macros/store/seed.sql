{# A seed in the store: its fingerprint is its values and types, so other quoting builds nothing. #}
{% materialization seed, adapter='duckdb' %}
    {%- do store_result('agate_table', response='OK', agate_table=none) -%}
    {{ return(settled('seed')) }}
{% endmaterialization %}
