{#
    Why a row of the landing contract cannot be used, as three columns: rejection_reason, rejected_column, rejected_value; NULL
    where nothing is wrong. A cell that cannot be read comes first, then the first check that holds.

    Arguments:
        checks: (condition, reason, column) of each, in their order
#}
{% macro _rejection(checks) -%}
    {%- set said = [
        ('rejection_reason', "'unreadable ' || unreadable_column", "'{reason}'"),
        ('rejected_column', 'unreadable_column', "'{column}'"),
        ('rejected_value', 'unreadable_value', 'cast({column} as varchar)'),
    ] -%}
    {%- for name, of_unreadable, of_check in said %}
        case
            when unreadable_column is not null then {{ of_unreadable }}
            {%- for condition, reason, column in checks %}
            when {{ condition }} then {{ of_check.format(reason=reason, column=column) }}
            {%- endfor %}
        end as {{ name }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
