{#
    Whether the branch's audit trail is as it was written: no line edited, removed, added or moved. Fails where it is not.

    Example:
        dbt run-operation verify_audit
#}
{% macro verify_audit() %}
    {%- do print(scorehouse('verify_audit', **kwargs)) -%}
{% endmacro %}
