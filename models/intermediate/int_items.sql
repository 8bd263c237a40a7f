with

unioned as (

    {%- for source in var('interaction_sources') %}

    select item_id, title, category, price, properties, known_at, '{{ source }}' as item_source
    from {{ ref('stg_' ~ source ~ '__items') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

known as (

    select * from unioned
    where coalesce(known_at < {{ as_of() }}, true)

),

{# an item that several sources know: the source named first in interaction_sources wins, with what it knew last #}
one_each as (

    select * exclude (known_at)
    from known
    qualify row_number() over (
        partition by item_id
        order by list_position({{ var('interaction_sources') }}, item_source), known_at desc nulls last
    ) = 1

)

select * from one_each
