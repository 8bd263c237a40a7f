{#
    Where the files of the current release, or of one node, come from, and whether they are as they were written; or all that
    one row of a served table was made of: release, model version, features, source files with their hashes.

    Example:
        dbt run-operation provenance --args '{table: churn_risk, key: "12346"}'

    Arguments:
        node: name of a model, seed or source; without it all files are told
        table: a served table
        key: the key of a row of it: a value, in quotes where it is a text; of several columns a list or a mapping
#}
{% macro provenance(node=none, table=none, key=none) %}
    {%- do print(scorehouse('provenance', node=node, table=table, key=key, **kwargs)) -%}
{% endmacro %}
