with

routed as (

    {{ routed('${product}_scores', ['${product}_scores__logistic'], 'customer_id') }}

),

scores as (

    select
        customer_id,
        score,
        reasons,
        implementation,
        model_version,
        as_of,
        scored_at

    from routed

)

select * from scores
