{# A new fitted model is added to this list, and stands in the registry from its first build. #}
{{ config(materialized='view') }}

with

versions as (

    {{ versions_of([
        'churn__logistic', 'churn__boosted',
        'ranking__pointwise', 'ranking__pairwise',
        'segments__kmeans',
    ]) }}

)

select * from versions
