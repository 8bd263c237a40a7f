with

examples as (

    select * from {{ ref('segment_examples') }}

),

scored as (

    select
        customer_id,
        cast({{ score('segments__kmeans', empty='null') }} as struct(cluster integer, distance double)) as nearest,
        'customer_segments__kmeans' as implementation,
        {{ model_version('segments__kmeans') }} as model_version,
        as_of,
        {{ built_at() }} as scored_at

    from examples

),

{# a model without a usable version gives no clusters: the table is empty, not wrong #}
usable as (

    select
        customer_id,
        struct_extract(nearest, 'cluster') as cluster,
        struct_extract(nearest, 'distance') as distance,
        implementation,
        model_version,
        as_of,
        scored_at

    from scored
    where nearest is not null

)

select * from usable
