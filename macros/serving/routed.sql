{#
    Rows of an endpoint's implementations, each entity from the one that the seed `routes` gives it: a stable hash of the
    entity's key falls into the implementations' shares, in order of their names. The only implementation needs no route.
    While an implementation does not beat its baseline (meta.monitoring.baseline) by the margin of the seed retrain_policy, the
    baseline serves in its place: the table `endpoints` says so, and why.

    Example:
        {{ routed('churn_risk', ['churn_risk__logistic', 'churn_risk__boosted'], 'customer_id') }}

    Arguments:
        endpoint: the served table's name, as in the seed
        implementations: models with the endpoint's columns; `implementation` names the model
        key: the entity's key column
#}
{% macro routed(endpoint, implementations, key) -%}
    {%- set relations = {} -%}
    {%- for implementation in implementations -%}
        {%- do relations.update({implementation: ref(implementation) | string}) -%}
    {%- endfor -%}
    {%- set routes, in_place = ref('routes') | string, {} -%}
    {#- a unit test has no versions to judge -#}
    {%- if flags.WHICH in ['build', 'run'] and model.resource_type == 'model' -%}
        {%- do in_place.update(scorehouse('in_place', endpoint=endpoint, implementations=relations, routes=routes) or {}) -%}
    {%- endif %}
    {%- set share_of = function('stable_share') ~ '(candidates.' ~ key ~ ", '" ~ endpoint ~ "')" -%}
    {%- if implementations | length == 1 %}
    select candidates.*
    from {{ ref(implementations[0]) }} as candidates
    where {{ share_of }} < coalesce((select max(routes.share) from {{ ref('routes') }} as routes where routes.endpoint = '{{ endpoint }}'), 1)
    {%- else %}
    select candidates.*
    from (
        {%- for implementation in implementations %}
        select * from {{ ref(implementation) }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as candidates
    inner join (
        {# shares as decimals, whose sums are exact #}
        select
            {% if in_place -%}
            case implementation
                {%- for name, other in in_place | dictsort %} when '{{ name }}' then '{{ other }}'{% endfor %}
                else implementation
            end
            {%- else -%}
            implementation
            {%- endif %} as serving,
            sum(cast(share as decimal(18, 9))) over (order by implementation) - share as share_from,
            sum(cast(share as decimal(18, 9))) over (order by implementation) as share_to
        from {{ ref('routes') }}
        where endpoint = '{{ endpoint }}'
    ) as routes
        on
            candidates.implementation = routes.serving
            and {{ share_of }} >= routes.share_from
            and {{ share_of }} < routes.share_to
    {%- endif %}
{%- endmacro %}
