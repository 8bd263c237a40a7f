{#
    A JSON column with the undeclared columns merged into it, so that what a source brings beside the contract goes through.

    Example:
        {{ with_extra_columns('properties', ['"device"']) }}
        ->  json_merge_patch(coalesce(properties, '{}'), to_json(struct_pack("device" := "device")))

    Arguments:
        properties: the JSON column
        columns: quoted names, as `extra_columns` gives them
#}
{% macro with_extra_columns(properties, columns) -%}
    {%- if columns -%}
        json_merge_patch(
            coalesce({{ properties }}, '{}'),
            to_json(struct_pack(
                {%- for column in columns %}
                {{ column }} := {{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
            ))
        )
    {%- else -%}
        {{ properties }}
    {%- endif -%}
{%- endmacro %}
