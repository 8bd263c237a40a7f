{{ config(severity='warn') }}
{# Every served table is deployed as its requirements ask and answers in time, and these do not contradict each other. #}

with

findings as (

    select
        endpoint,
        {# where products are left out, functions of theirs are no misfit #}
        unnest(contradictions || [slowness]{{ ' || [misfit]' if not var('products') }}) as finding
    from {{ ref('deployment_fit') }}

)

select endpoint || ': ' || finding || ' (seeds/operations/product_requirements.csv)' as sentence
from findings
where finding is not null
order by sentence
