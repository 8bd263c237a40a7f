{#
    The implementation of an endpoint that the seed `routes` gives most entities to; the first where it says nothing.

    Example:
        {{ most_routed('churn_risk', ['churn_risk__logistic', 'churn_risk__boosted']) }}  ->  churn_risk__logistic

    Arguments:
        endpoint: the served table's name, as in the seed
        implementations: names of its implementations
#}
{% macro most_routed(endpoint, implementations) -%}
    {%- do _expect('most_routed', endpoint=['text', endpoint], implementations=['texts', implementations]) -%}
    {%- set shares = route_shares(endpoint) or {} -%}
    {%- set most = namespace(name=implementations[0], share=0) -%}
    {%- for implementation in implementations | sort -%}
        {%- if shares.get(implementation, 0) > most.share -%}
            {%- set most.name, most.share = implementation, shares[implementation] -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(most.name) }}
{%- endmacro %}
