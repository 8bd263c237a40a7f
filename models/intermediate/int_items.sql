with

unioned as (

    {%- for source in var('interaction_sources') %}

    select item_id, title, category, price, properties, '{{ source }}' as item_source
    from {{ ref('stg_' ~ source ~ '__items') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

{# an item that several sources know: the source named first in interaction_sources wins #}
one_each as (

    select * from unioned
    qualify row_number() over (
        partition by item_id
        order by list_position({{ var('interaction_sources') }}, item_source)
    ) = 1

)

select * from one_each
