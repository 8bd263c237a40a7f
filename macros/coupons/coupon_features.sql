{#
    Columns of customer_snapshots that the uplift of a coupon is learned from.

    Example:
        {{ coupon_features() | join(', ') }}  ->  recency_days, tenure_days, ...
#}
{% macro coupon_features() -%}
    {{ return([
        'recency_days', 'tenure_days', 'purchase_day_count', 'purchase_day_count_90d', 'purchase_amount',
        'purchase_amount_90d', 'net_amount', 'mean_basket_amount', 'mean_gap_days', 'recency_in_gaps', 'activity', 'trend',
    ]) }}
{%- endmacro %}
