{# No received row is lost: usable and rejected rows together are the raw ones. #}
{{ config(group='data', enabled='landing' in var('interaction_sources')) }}

with

counted as (

    select
        (select count(*) from {{ source('landing', 'interactions') }}) as raw_count,
        (select count(*) from {{ ref('stg_landing__interactions') }}) as accepted_count,
        (select count(*) from {{ ref('stg_landing__rejected') }}) as rejected_count

)

select * from counted
where raw_count <> accepted_count + rejected_count
