{# A new fitted model is added to this list, and stands in the registry from its first build. #}
{{ config(materialized='view') }}

with

versions as (

    {{ versions_of([
        'churn__logistic', 'churn__boosted',
        'ranking__pointwise', 'ranking__pairwise',
        'segments__kmeans',
        'uplift__treated', 'uplift__held_out',
        'recommendation__popular', 'recommendation__item_item', 'recommendation__ease',
        'fraud__boosted', 'fraud__rules',
        'lifetime_value__poisson',
    ]) }}

)

select * from versions
