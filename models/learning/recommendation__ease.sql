{# No retrain_policy: what is popular now is part of a version, so every build with new interactions makes a new one. #}

with

examples as (

    select * from {{ ref('recommendation_examples') }}

)

select * from examples
