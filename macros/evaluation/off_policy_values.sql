{#
    The value of policies that never ran, from the log of one that did: inverse propensity scores (ips), self-normalised
    (snips) and doubly robust (dr), each with its standard error. One row is one policy and estimator.

    With w = probability under the policy / logged propensity and r = reward: ips is the mean of w r; snips is sum w r / sum w;
    dr is the mean of q(policy) + w (r - q(arm)), where q is an arm's mean reward in the other half of the log (two
    folds), drawn towards the experiment's mean by one exposure. Standard errors: of a mean, and for snips by the delta method.
    lead is how much the value is above the mean reward of the same exposures, and lead_error its standard error: of the differences
    exposure by exposure, so that what all policies share does not count.
    Sums run in the order of decision_id: the same bytes in every build.
    Sources: Dudik, Langford, Li (2011), Doubly robust policy evaluation and learning; Swaminathan, Joachims (2015), The
    self-normalized estimator for counterfactual learning.

    Example:
        {{ off_policy_values(logged='decisions', policies='policies', on=['slot']) }}

    Arguments:
        logged: CTE or relation with experiment, decision_id, variant, propensity, reward and the columns of `on`
        policies: CTE or relation with experiment, policy, variant, probability and the columns of `on`
        on: columns that say in which context a policy's row holds; [] where it always does
#}
{% macro off_policy_values(logged, policies, on) -%}
    {%- do _expect('off_policy_values', logged=['table', logged], policies=['table', policies], on=['columns or none', on]) -%}
    (
        with

        log as (

            select
                experiment,
                {%- for column in on if column != 'decision_id' %}
                {{ column }},
                {%- endfor %}
                decision_id,
                variant,
                propensity,
                reward,
                cast({{ function('stable_share') }}(decision_id, 'fold') < 0.5 as integer) as fold

            from {{ logged }}

        ),

        arm_sums as (

            select experiment, variant, fold, count(*) as arm_count, sum(reward order by decision_id) as arm_sum
            from log
            group by experiment, variant, fold

        ),

        fold_sums as (

            select experiment, fold, sum(arm_count) as fold_count, sum(arm_sum order by variant) as fold_sum
            from arm_sums
            group by experiment, fold

        ),

        log_sums as (

            select experiment, sum(fold_count) as log_count, sum(fold_sum order by fold) as log_sum
            from fold_sums
            group by experiment

        ),

        {# what the other fold says of an arm #}
        expected as (

            select
                folds.experiment,
                folds.fold,
                seen.variant,
                (
                    coalesce(others.arm_sum, 0)
                    + coalesce((log_sums.log_sum - folds.fold_sum) / nullif(log_sums.log_count - folds.fold_count, 0), 0)
                ) / (coalesce(others.arm_count, 0) + 1) as expected_reward

            from fold_sums as folds
            inner join log_sums on folds.experiment = log_sums.experiment
            inner join (select distinct experiment, variant from arm_sums) as seen on folds.experiment = seen.experiment
            left join arm_sums as others
                on seen.experiment = others.experiment and seen.variant = others.variant and folds.fold <> others.fold

        ),

        of_policy as (

            select
                {% for column in ['experiment'] + on -%}
                policies.{{ column }},
                {% endfor -%}
                policies.policy,
                expected.fold,
                sum(policies.probability order by policies.variant) as supported_probability,
                sum(policies.probability * expected.expected_reward order by policies.variant) as expected_reward

            from {{ policies }} as policies
            inner join expected on policies.experiment = expected.experiment and policies.variant = expected.variant
            group by all

        ),

        policy_names as (

            select distinct experiment, policy
            from {{ policies }}

        ),

        weighted as (

            select
                log.experiment,
                policy_names.policy,
                log.decision_id,
                coalesce(chosen.probability, 0) / log.propensity as weight,
                log.reward,
                coalesce(of_policy.supported_probability, 0) as supported_probability,
                coalesce(chosen.probability, 0) / log.propensity * log.reward as ips,
                coalesce(of_policy.expected_reward, 0)
                + coalesce(chosen.probability, 0) / log.propensity * (log.reward - expected.expected_reward) as dr

            from log
            inner join policy_names on log.experiment = policy_names.experiment
            inner join expected
                on log.experiment = expected.experiment and log.variant = expected.variant and log.fold = expected.fold
            left join {{ policies }} as chosen
                on
                    policy_names.policy = chosen.policy
                    and log.variant = chosen.variant
                    {%- for column in ['experiment'] + on %}
                    and log.{{ column }} = chosen.{{ column }}
                    {%- endfor %}
            left join of_policy
                on
                    policy_names.policy = of_policy.policy
                    and log.fold = of_policy.fold
                    {%- for column in ['experiment'] + on %}
                    and log.{{ column }} = of_policy.{{ column }}
                    {%- endfor %}

        ),

        means as (

            select
                experiment,
                policy,
                count(*) as decision_count,
                sum(ips order by decision_id) / count(*) as ips,
                sum(ips order by decision_id) / nullif(sum(weight order by decision_id), 0) as snips,
                sum(dr order by decision_id) / count(*) as dr,
                sum(reward order by decision_id) / count(*) as reward,
                sum(weight order by decision_id) as weight_sum,
                sum(weight * weight order by decision_id) as squared_weight_sum,
                max(weight) as maximum_weight,
                sum(supported_probability order by decision_id) / count(*) as supported_share

            from weighted
            group by experiment, policy

        ),

        deviations as (

            select
                weighted.experiment,
                weighted.policy,
                sum(pow(weighted.ips - means.ips, 2) order by weighted.decision_id) as ips,
                sum(pow(weighted.weight * (weighted.reward - means.snips), 2) order by weighted.decision_id) as snips,
                sum(pow(weighted.dr - means.dr, 2) order by weighted.decision_id) as dr,
                sum(
                    pow(weighted.ips - weighted.reward - means.ips + means.reward, 2) order by weighted.decision_id
                ) as ips_lead,
                sum(
                    pow(
                        weighted.weight * (weighted.reward - means.snips) * means.decision_count / nullif(means.weight_sum, 0)
                        - weighted.reward + means.reward, 2
                    ) order by weighted.decision_id
                ) as snips_lead,
                sum(pow(weighted.dr - weighted.reward - means.dr + means.reward, 2) order by weighted.decision_id) as dr_lead

            from weighted
            inner join means on weighted.experiment = means.experiment and weighted.policy = means.policy
            group by weighted.experiment, weighted.policy

        ),

        estimated as (

            select
                means.experiment,
                means.policy,
                estimators.estimator,
                case estimators.estimator when 'ips' then means.ips when 'snips' then means.snips else means.dr end as value,
                case estimators.estimator
                    when 'snips' then sqrt(deviations.snips) / nullif(means.weight_sum, 0)
                    else sqrt(
                        case estimators.estimator when 'ips' then deviations.ips else deviations.dr end
                        / nullif(means.decision_count - 1, 0) / means.decision_count
                    )
                end as standard_error,
                value - means.reward as lead,
                sqrt(
                    case estimators.estimator
                        when 'ips' then deviations.ips_lead when 'snips' then deviations.snips_lead else deviations.dr_lead
                    end / nullif(means.decision_count - 1, 0) / means.decision_count
                ) as lead_error,
                means.decision_count,
                coalesce(means.weight_sum * means.weight_sum / nullif(means.squared_weight_sum, 0), 0) as effective_count,
                means.weight_sum / means.decision_count as mean_weight,
                means.maximum_weight,
                means.supported_share

            from means
            inner join deviations on means.experiment = deviations.experiment and means.policy = deviations.policy
            cross join (values ('ips'), ('snips'), ('dr')) as estimators (estimator)

        )

        select * from estimated
    )
{%- endmacro %}
