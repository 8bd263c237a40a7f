{#
    Every customer's best items by a fitted recommender, as a whole select: the score is the sum of preference times similarity
    over what the customer likes, plus the item's popularity. All items count for every customer, exactly: of items
    without similarity to anything liked, only the most popular can reach the list, and as many are looked at as could be excluded
    (recommendation_reaches). Scores are added as whole numbers of the last decimal that weights have, so that their sum does not
    depend on the order of rows.

    Example:
        {{ recommended('recommendation__ease', ref('item_popularities__ease'), 'recommendations__ease') }}

    An implementation without a share in the seed routes reads and computes nothing: it is empty until it is routed to, or is the
    baseline of one that has a share (meta.monitoring), which it may have to serve in place of.

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
        popularities: relation or CTE with the model's item_popularities()
        implementation: name of the scores
#}
{% macro recommended(model, popularities, implementation) -%}
    {%- do _expect('recommended', model=['fitted', model], popularities=['table', popularities], implementation=['text', implementation]) -%}
{%- set shares, last_decimal = route_shares('recommendations'), '1e' ~ var('recommendation_decimals') -%}
{%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') if execute else [] -%}
{%- set watched = models | selectattr('config.meta.monitoring', 'defined') -%}
{%- set outdone = watched | selectattr('config.meta.monitoring.baseline', 'equalto', implementation) | map(attribute='name') | list -%}
{%- set sharing = (shares or {}).items() | selectattr(1, 'gt', 0) | map(attribute=0) | list -%}
{%- set is_routed = not shares or sharing | select('in', [implementation] + outdone) | list | length > 0 -%}
{%- if not is_routed %}
select
    customer_id,
    cast(null as integer) as rank,
    cast(null as varchar) as item_id,
    cast(null as double) as score,
    cast(null as varchar) as because_of,
    '{{ implementation }}' as implementation,
    cast(null as varchar) as model_version,
    cast(null as timestamp) as as_of,
    {# as in all implementations, so that it is known for the time of a build where they are put together #}
    {{ built_at() }} as scored_at
from {{ ref('recommendation_reaches') }}
where false
{%- else %}
with

versions as (

    select model_version from {{ ref(model) }}
    where status = 'ready'

),

similarities as (

    {{ item_similarities(model) }}

),

popularities as (

    select * from {{ popularities }}

),

preferences as (

    select * from {{ ref('customer_item_preferences') }}
    where preference > 0

),

{# what can be on a list for its popularity alone, by a range at a time: one join by either of them compares all pairs #}
reached as (

    select
        reaches.customer_id,
        popularities.item_id

    from {{ ref('recommendation_reaches') }} as reaches
    inner join popularities on reaches.place >= popularities.place

    union all

    select
        reaches.customer_id,
        popularities.item_id

    from {{ ref('recommendation_reaches') }} as reaches
    left join popularities as last on reaches.place = last.free_place
    inner join popularities
        on
            reaches.category_place >= popularities.category_place
            and reaches.place < popularities.place
            and coalesce(last.place, {{ 2 ** 62 }}) >= popularities.place

),

contributions as (

    select
        preferences.customer_id,
        similarities.item_id,
        similarities.liked_item_id,
        preferences.preference * similarities.value as strength,
        cast(round(preferences.preference * similarities.value * {{ last_decimal }}) as bigint) as contribution

    from preferences
    inner join similarities on preferences.item_id = similarities.liked_item_id

    union all

    select
        customer_id,
        item_id,
        null as liked_item_id,
        null as strength,
        0 as contribution

    from reached

),

summed as (

    select
        customer_id,
        item_id,
        sum(contribution) as contribution

    from contributions
    group by customer_id, item_id

),

candidates as (

    select
        summed.customer_id,
        summed.item_id,
        items.category,
        summed.contribution + coalesce(popularities.popularity, 0) as score

    from summed
    left join popularities on summed.item_id = popularities.item_id
    left join {{ ref('int_items') }} as items on summed.item_id = items.item_id
    anti join {{ ref('recommendation_exclusions') }} as excluded
        on summed.customer_id = excluded.customer_id and summed.item_id = excluded.item_id
    where summed.contribution + coalesce(popularities.popularity, 0) > 0

),

listed as (

    {{ best_items('candidates', per=['customer_id']) }}

),

reasons as (

    select
        listed.customer_id,
        listed.item_id,
        arg_max(contributions.liked_item_id, (contributions.strength, contributions.liked_item_id)) as because_of

    from listed
    inner join contributions on listed.customer_id = contributions.customer_id and listed.item_id = contributions.item_id
    anti join {{ ref('blocked_items') }} as blocked on contributions.liked_item_id = blocked.item_id
    where contributions.liked_item_id is not null
    group by listed.customer_id, listed.item_id

)

select
    listed.customer_id,
    cast(listed.rank as integer) as rank,
    listed.item_id,
    cast(listed.score as double) / {{ last_decimal }} as score,
    reasons.because_of,
    '{{ implementation }}' as implementation,
    versions.model_version,
    {{ as_of() }} as as_of,
    {{ built_at() }} as scored_at
from listed
cross join versions
left join reasons on listed.customer_id = reasons.customer_id and listed.item_id = reasons.item_id
{%- endif %}
{%- endmacro %}
