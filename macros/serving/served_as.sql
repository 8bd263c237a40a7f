{#
    What this project serves and how, as a query: endpoint, product, and its deployments. Every table of a release is computed
    in one batch and looked up by its key; a SQL function of the serving file that reads it computes in the reader's database.

    Example:
        {{ served_as() }}
        ->  select * from (values ('churn_risk', 'churn', ['batch', 'pre-computed'])) as served (endpoint, product, deployments)
#}
{% macro served_as() -%}
    {%- set served = scorehouse('served_as') or [] -%}
    select * from (
        values
        {%- for endpoint in served %}
        ('{{ endpoint.name }}', '{{ endpoint.product | replace("'", "''") }}', ['{{ endpoint.deployments | join("', '") }}']),
        {%- endfor %}
        (cast(null as varchar), cast(null as varchar), cast(null as varchar[]))
    ) as served (endpoint, product, deployments)
    where endpoint is not null
{%- endmacro %}
