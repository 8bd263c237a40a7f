{# Is the model worth having, and which one? Both on the later-in-time test, beside their baseline and the best feature. #}

with

versions as (

    select * from {{ ref('model_versions') }}

),

model_metrics as (

    select * from {{ ref('model_metrics') }}
    where is_current and model in ('churn__logistic', 'churn__boosted') and split = 'test' and metric = 'auc'

)

select
    model_metrics.model_version,
    versions.test_from as tested_at,
    versions.test_count,
    model_metrics.slice,
    round(model_metrics.value, 4) as auc,
    round(model_metrics.lower_bound, 4) as lower_bound,
    round(model_metrics.upper_bound, 4) as upper_bound,
    model_metrics.baseline,
    round(model_metrics.baseline_value, 4) as baseline_auc
from model_metrics
inner join versions on model_metrics.model_version = versions.model_version
order by auc desc, model_metrics.model_version asc, model_metrics.slice asc
