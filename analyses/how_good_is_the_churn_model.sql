{# Both implementations on the later-in-time test, beside the best single feature: is the model worth having, and which one? #}

with

versions as (

    select * from {{ ref('churn__logistic') }}
    union all by name
    select * from {{ ref('churn__boosted') }}

),

test_metrics as (

    select
        model_version,
        test_from as tested_at,
        test_count,
        unnest(metrics, recursive := true)

    from versions

)

select
    model_version,
    tested_at,
    test_count,
    slice,
    round(value, 4) as auc
from test_metrics
where split = 'test' and metric = 'auc'
order by auc desc, model_version asc, slice asc
