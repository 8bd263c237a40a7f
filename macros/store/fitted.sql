{#
    A fitted model: a select of examples and a declaration in meta; its data are the version's rows, never a pickle.
    Unchanged examples and declaration train nothing. See the README, 'Bring your own model'.
#}
{% materialization fitted, adapter='duckdb', supported_languages=['sql'] %}
    {{ return(settled('fitted', sql=compiled_code, training_rows=var('training_rows', none))) }}
{% endmaterialization %}
