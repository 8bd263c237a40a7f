{#
    What the policy in force says of every candidate for the coupon, as a whole select: the candidate's columns, expected_loss,
    expected_gain, rank_by, holdout_share, is_eligible, is_held_out and is_within_budget. The budget goes to the largest expected
    loss (or gain, where the policy ranks by uplift) first; who is held out costs nothing.

    Example:
        {{ coupon_decisions('candidates', within=['as_of']) }}

    Arguments:
        candidates: CTE or relation with customer_id, score (churn risk, 0 to 1), uplift (NULL where it is unknown) and
            customer_value (in the shop's currency)
        within: columns of the candidates, each of whose values has a budget of its own; [] where all share one
#}
{% macro coupon_decisions(candidates, within=[]) -%}
    {%- do _expect('coupon_decisions', candidates=['table', candidates], within=['columns or none', within]) -%}
    select
        judged.* exclude (coupon_cost, budget),
        {#- exact: sums of floating-point numbers would depend on the order of rows #}
        sum(
            case when judged.is_eligible and not judged.is_held_out then cast(judged.coupon_cost as decimal(38, 6)) else 0 end
        ) over (
            {%- if within %}
            partition by judged.{{ within | join(', judged.') }}
            {%- endif %}
            order by
                case judged.rank_by when 'uplift' then judged.expected_gain else judged.expected_loss end desc nulls last,
                judged.customer_id asc
        ) <= judged.budget as is_within_budget
    from (
        select
            candidates.*,
            candidates.score * candidates.customer_value as expected_loss,
            candidates.uplift * candidates.customer_value as expected_gain,
            policy.rank_by,
            policy.coupon_cost,
            policy.budget,
            policy.holdout_share,
            candidates.customer_value >= policy.minimum_value
            and case policy.rank_by
                when 'uplift' then coalesce(expected_gain > policy.coupon_cost, false)
                else candidates.score >= policy.minimum_score
            end as is_eligible,
            {{ function('stable_share') }}(candidates.customer_id, 'coupon_holdout') < policy.holdout_share as is_held_out
        from {{ candidates }} as candidates
        cross join {{ ref('coupon_policy') }} as policy
        where policy.policy = 'default'
    ) as judged
{%- endmacro %}
