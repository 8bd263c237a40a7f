{# dbt's snapshots add to a table run by run: no fingerprint names what is in it, and no branch could build it again. #}
{% materialization snapshot, adapter='duckdb' %}
    {{ exceptions.raise_compiler_error(
        model.original_file_path ~ ": expected a model, found a snapshot, which keeps what no build can make again;"
        ~ " declare the changes as a source, or read the releases."
    ) }}
{% endmaterialization %}
