{# A seed in the store: its fingerprint is its values and types, so other quoting builds nothing. #}
{% materialization seed, adapter='duckdb' %}
    {%- if flags.WHICH == 'show' -%}
        {%- do exceptions.raise_compiler_error(
            "dbt show: expected a model to show, found the seed " ~ model.name ~ ", which dbt itself cannot show; write dbt show"
            ~ " --inline \"select * from {{ ref('" ~ model.name ~ "') }}\"."
        ) -%}
    {%- endif -%}
    {%- do store_result('agate_table', response='OK', agate_table=none) -%}
    {{ return(settled('seed')) }}
{% endmaterialization %}
