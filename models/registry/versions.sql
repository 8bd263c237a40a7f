{# Every fitted model is in it by itself: the store adds a version when the model is built. #}

with

versions as (

    select * from {{ history('versions') }}

)

select * from versions
