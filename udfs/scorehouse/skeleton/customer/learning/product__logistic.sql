with

examples as (

    select * from {{ ref('${product}_examples') }}

)

select * from examples
