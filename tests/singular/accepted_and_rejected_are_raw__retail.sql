{# No delivered invoice line is lost: usable and rejected lines together are the raw ones. #}
{{ config(group='data', enabled='retail' in var('interaction_sources')) }}

with

counted as (

    select
        (select count(*) from {{ source('retail', 'invoice_lines') }}) as raw_count,
        (select count(*) from {{ ref('stg_retail__interactions') }}) as accepted_count,
        (select count(*) from {{ ref('stg_retail__rejected') }}) as rejected_count

)

select * from counted
where raw_count <> accepted_count + rejected_count
