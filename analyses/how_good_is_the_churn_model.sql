{# Is the model worth having, and which one? Both on the later-in-time test, beside the best feature. #}

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
        unnest(metrics) as metric

    from versions

)

select
    model_version,
    tested_at,
    test_count,
    metric['slice'] as slice,
    round(metric['value'], 4) as auc
from test_metrics
where metric['split'] = 'test' and metric['metric'] = 'auc'
order by auc desc, model_version asc, slice asc
