with

examples as (

    select * from {{ ref('ranking_pairs') }}

)

select * from examples
