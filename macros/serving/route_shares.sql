{#
    Shares of an endpoint's implementations in the seed `routes`, by name; none while dbt only parses or compiles.

    Example:
        {{ route_shares('churn_risk') }}  ->  {'churn_risk__logistic': 1.0}

    Arguments:
        endpoint: the served table's name, as in the seed
#}
{% macro route_shares(endpoint) -%}
    {%- do _expect('route_shares', endpoint=['text', endpoint]) -%}
    {%- set routes, shares = ref('routes'), {} -%}
    {%- if not execute or flags.WHICH not in ['build', 'run'] -%}
        {{ return(none) }}
    {%- endif -%}
    {%- for row in run_query('select implementation, share from ' ~ routes ~ " where endpoint = '" ~ endpoint ~ "'") -%}
        {%- do shares.update({row['implementation']: row['share'] | float}) -%}
    {%- endfor -%}
    {{ return(shares) }}
{%- endmacro %}
