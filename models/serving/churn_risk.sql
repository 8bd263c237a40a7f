with

routed as (

    {{ routed('churn_risk', ['churn_risk__logistic', 'churn_risk__boosted', 'churn_risk__recency'], 'customer_id') }}

),

churn_risk as (

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

select * from churn_risk
