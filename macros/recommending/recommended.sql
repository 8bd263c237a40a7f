{#
    Every customer's best items by a fitted recommender, as a whole select: the score is the sum of preference times similarity
    over what the customer likes, plus the item's popularity. All items count for every customer, exactly: of items
    without similarity to anything liked, only the most popular can reach the list, and as many are looked at as could be excluded.
    Scores are added as whole billionths, so that their sum does not depend on the order of rows.

    Example:
        {{ recommended('recommendation__ease', 'recommendations__ease') }}

    An implementation without a share in the seed routes computes nothing: it is empty until it is routed to.

    Arguments:
        model: fitted by an estimator of scorehouse.recommending
        implementation: name of the scores
#}
{% macro recommended(model, implementation) -%}
{%- set routes, is_routed = ref('routes'), true -%}
{%- if execute and flags.WHICH in ['build', 'run'] -%}
    {%- set found = run_query('select 1 from ' ~ routes ~ " where share > 0 and implementation = '" ~ implementation ~ "'") -%}
    {%- set is_routed = found.rows | length > 0 -%}
{%- endif %}
with

versions as (

    select * from {{ ref(model) }}
    where status = 'ready'{{ '' if is_routed else ' and false' }}

),

policy as (

    select * from {{ ref('recommendation_policy') }}
    where policy = 'default'

),

preferences as (

    select * from {{ ref('customer_item_preferences') }}

),

blocked as (

    select item_id from {{ ref('blocked_items') }}

),

customers as (

    select customer_id from {{ ref('int_customers') }}
    union
    select customer_id from preferences

),

items as (

    select item_id, category from {{ ref('int_items') }}

),

unnested as (

    select unnest(weights, max_depth => 2)  -- noqa: AL03
    from versions

),

weights as (

    select
        part,
        input,
        output as item_id,
        value

    from unnested
    where output not in (select blocked.item_id from blocked)

),

similarities as (

    select input as liked_item_id, item_id, value from weights
    where part = 'similarity'

),

popularities as (

    select
        weights.item_id,
        cast(round(weights.value * 1e9) as bigint) as popularity,
        row_number() over (order by weights.value desc, weights.item_id desc) as place,
        case
            when items.category is not null
                then row_number() over (partition by items.category order by weights.value desc, weights.item_id desc)
        end as category_place

    from weights
    left join items on weights.item_id = items.item_id
    where weights.part = 'popularity'

),

excluded as (

    select
        preferences.customer_id,
        preferences.item_id

    from preferences
    cross join policy
    where preferences.is_taken and policy.excludes_taken

),

reaches as (

    select
        customers.customer_id,
        policy.list_length + count(excluded.item_id) as place,
        policy.maximum_per_category + count(excluded.item_id) as category_place

    from customers
    cross join policy
    left join excluded on customers.customer_id = excluded.customer_id
    group by customers.customer_id, policy.list_length, policy.maximum_per_category

),

contributions as (

    select
        preferences.customer_id,
        similarities.item_id,
        cast(round(preferences.preference * similarities.value * 1e9) as bigint) as contribution

    from preferences
    inner join similarities on preferences.item_id = similarities.liked_item_id
    where preferences.preference >= 0.01

    union all

    select
        reaches.customer_id,
        popularities.item_id,
        0 as contribution

    from reaches
    inner join popularities
        on reaches.place >= popularities.place or reaches.category_place >= popularities.category_place

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
    left join items on summed.item_id = items.item_id
    anti join excluded on summed.customer_id = excluded.customer_id and summed.item_id = excluded.item_id

),

{# the best of each category, and of the items without one: more can never reach the list #}
best_of_categories as (

    select
        candidates.customer_id,
        candidates.category,
        max({'score': candidates.score, 'item_id': candidates.item_id}, policy.list_length) as best

    from candidates
    cross join policy
    where candidates.score > 0
    group by candidates.customer_id, candidates.category

),

placed as (

    select
        customer_id,
        category,
        unnest(best, recursive := true),
        generate_subscripts(best, 1) as category_place

    from best_of_categories

),

ranked as (

    select
        placed.customer_id,
        placed.item_id,
        placed.score,
        row_number() over (
            partition by placed.customer_id
            order by
                placed.category is null or placed.category_place <= policy.maximum_per_category desc,
                placed.score desc,
                placed.item_id desc
        ) as rank

    from placed
    cross join policy
    qualify rank <= policy.list_length

),

reasons as (

    select
        ranked.customer_id,
        ranked.item_id,
        arg_max(preferences.item_id, (preferences.preference * similarities.value, preferences.item_id)) as because_of

    from ranked
    inner join preferences on ranked.customer_id = preferences.customer_id and preferences.preference >= 0.01
    inner join similarities on preferences.item_id = similarities.liked_item_id and ranked.item_id = similarities.item_id
    where preferences.item_id not in (select blocked.item_id from blocked)
    group by ranked.customer_id, ranked.item_id

)

select
    ranked.customer_id,
    cast(ranked.rank as integer) as rank,
    ranked.item_id,
    cast(ranked.score as double) / 1e9 as score,
    reasons.because_of,
    '{{ implementation }}' as implementation,
    versions.model_version,
    {{ as_of() }} as as_of,
    {{ built_at() }} as scored_at
from ranked
cross join versions
left join reasons on ranked.customer_id = reasons.customer_id and ranked.item_id = reasons.item_id
{%- endmacro %}
