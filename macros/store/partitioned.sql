{#
    A stored model in partitions: one immutable file each, computed from the same partition of its partitioned inputs.
    A day's new rows, or late rows for an old day, recompute that partition and nothing else.

    Config:
        meta.partition_by: the model's time column; with the grain hash any column that its inputs have too
        meta.grain: day (default), month or year; or hash: as many partitions as keep each to a few hundred thousand rows of its
            largest input, by the hash of the column. Each is computed alone, so that memory holds one at a time
        meta.known_before: of a model of as-of times: {<input>: <its column that says when a row was known, or always>}; each time is
            made of what was known before it alone
        meta.horizon_days: beside known_before, so many days later: for labels
#}
{% materialization partitioned, adapter='duckdb', supported_languages=['sql'] %}
    {#- `dbt build --empty` puts a limit into every query: then it is one table without rows -#}
    {{ return(stored_model('table' if flags.EMPTY else 'partitioned')) }}
{% endmaterialization %}
