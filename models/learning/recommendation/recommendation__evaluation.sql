{# Opt-in: it trains every model twice more. #}

with

examples as (

    select * from {{ ref('recommendation_examples') }}

)

select * from examples
