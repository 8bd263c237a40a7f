{# Twenty customers to call: at risk, valuable, and with the reason to talk about. #}

select
    churn_risk.customer_id,
    round(churn_risk.score, 2) as churn_risk,
    round(coupon_offers.customer_value) as customer_value,
    churn_risk.reason_text,
    coupon_offers.decision as coupon
from {{ ref('churn_risk') }} as churn_risk
inner join {{ ref('coupon_offers') }} as coupon_offers on churn_risk.customer_id = coupon_offers.customer_id
where churn_risk.score >= 0.5
order by coupon_offers.expected_loss desc, churn_risk.customer_id asc
limit 20
