with

unioned as (

    {%- for source in var('interaction_sources') %}

    select customer_id, signed_up_at, country, email, properties, known_at, '{{ source }}' as customer_source
    from {{ ref('stg_' ~ source ~ '__customers') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

known as (

    select * from unioned
    where coalesce(known_at < {{ as_of() }}, true)

),

{# a customer whom several sources know: the source named first in interaction_sources wins, with what it knew last #}
one_each as (

    select * exclude (known_at)
    from known
    qualify row_number() over (
        partition by customer_id
        order by list_position({{ var('interaction_sources') }}, customer_source), known_at desc nulls last
    ) = 1

)

select * from one_each
