{# The seed retrain_policy has rows for fitted models of the project, and `default`. #}

{%- set models = ['default'] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'fitted' -%}
        {%- do models.append(node.name) -%}
    {%- endfor -%}
{%- endif %}

select model
from {{ ref('retrain_policy') }}
where model not in ('{{ models | join("', '") }}')
