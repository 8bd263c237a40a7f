{# A seed in the store: its fingerprint is its values and types, so other quoting builds nothing. #}
{% materialization seed, adapter='duckdb' %}
    {%- do store_result('agate_table', response='OK', agate_table=scorehouse('shown', is_open=true, node_id=model.unique_id)) -%}
    {{ return(settled('seed')) }}
{% endmaterialization %}
