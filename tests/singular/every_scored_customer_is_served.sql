{# Routing loses and doubles nobody: the served churn risk has the customers of the implementations it routes to. #}

with

implementations as (

    select customer_id from {{ ref('churn_risk__logistic') }}
    union
    select customer_id from {{ ref('churn_risk__boosted') }}

),

served as (

    select customer_id from {{ ref('churn_risk') }}

)

select implementations.customer_id
from implementations
left join served on implementations.customer_id = served.customer_id
where
    served.customer_id is null
    {# one implementation may have no usable version while the other serves #}
    and
    (select count(*) from {{ ref('churn_risk__logistic') }})
    = (select count(*) from {{ ref('churn_risk__boosted') }})
