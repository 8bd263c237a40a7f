{#
    The best of items, as many as the recommendation policy in force lists, as a whole select: `rank` and `score` of each. More of
    a category than the policy allows come after all others; items without a category are free.

    Example:
        {{ best_items('candidates', per=['customer_id']) }}

    Arguments:
        candidates: CTE or relation with item_id, category, score and the columns of `per`; of equal scores the
            later item_id is first
        per: columns of the candidates, each of whose values has a list of its own; [] for one list
#}
{% macro best_items(candidates, per=[]) -%}
    {%- do _expect('best_items', candidates=['table', candidates], per=['columns or none', per]) -%}
    with

    policy as (

        select * from {{ ref('recommendation_policy') }}
        where policy = 'default'

    ),

    {# the best of each category, and of the items without one: more can never reach the list #}
    best_of_categories as (

        select
            {% for column in per %}candidates.{{ column }}, {% endfor -%}
            candidates.category,
            max({'score': candidates.score, 'item_id': candidates.item_id}, policy.list_length) as best

        from {{ candidates }} as candidates
        cross join policy
        group by all

    ),

    placed as (

        select
            * exclude (best),
            unnest(best) as item,
            generate_subscripts(best, 1) as category_place

        from best_of_categories

    ),

    free as (

        select
            {% for column in per %}placed.{{ column }}, {% endfor -%}
            placed.item.item_id,
            placed.item.score,
            placed.category is null or placed.category_place <= policy.maximum_per_category as is_free

        from placed
        cross join policy

    ),

    ranked as (

        select
            {% for column in per %}{{ column }}, {% endfor -%}
            item_id,
            score,
            row_number() over (
                {%- if per %}
                partition by {{ per | join(', ') }}
                {%- endif %}
                order by is_free desc, score desc, item_id desc
            ) as rank

        from free
        qualify rank <= (select max(list_length) from policy)

    )

    select * from ranked
{%- endmacro %}
