with

unioned as (

    {%- for source in var('interaction_sources') %}

    select customer_id, signed_up_at, country, email, properties, '{{ source }}' as customer_source
    from {{ ref('stg_' ~ source ~ '__customers') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

{# a customer whom several sources know: the source named first in interaction_sources wins #}
one_each as (

    select * from unioned
    qualify row_number() over (
        partition by customer_id
        order by list_position({{ var('interaction_sources') }}, customer_source)
    ) = 1

)

select * from one_each
