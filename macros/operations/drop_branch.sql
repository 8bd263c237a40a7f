{#
    Delete a branch's own files; shared data stays in the store.

    Example:
        dbt run-operation drop_branch --args '{branch: new-weights}'
#}
{% macro drop_branch(branch=none) %}
    {%- do print(scorehouse('drop_branch', branch=branch, **kwargs)) -%}
{% endmacro %}
