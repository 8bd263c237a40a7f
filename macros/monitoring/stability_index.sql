{#
    How far shares of bins have moved from those of the training rows: the population stability index sum((p - q) ln(p / q)) over
    the shares p now and q in training, as a whole select over rows that are bins.

    Of n and m rows without any drift, index / (1/n + 1/m) follows a chi-square distribution with one degree less than bins
    (Yurdakul, Statistical properties of population stability index, 2018): `no_drift_bound` is its 99% point, by Wilson and
    Hilferty (1931). With drift it is a noncentral one, whose mean and variance give the 95% interval: small samples do not alarm.
    Source of the index: Siddiqi, Credit Risk Scorecards, 2006. A share of 0 counts as 0.0001, as in learning.measure.policy.

    Example:
        {{ stability_index(bins='bins', by=['implementation', 'period_at']) }}

    Arguments:
        bins: CTE with the columns of `by`, `bin`, `row_count` now, `trained_share`, and in every row `all_count` and
            `trained_count`, the rows of all bins
        by: columns that the bins of one distribution share
#}
{% macro stability_index(bins, by) -%}
    {%- do _expect('stability_index', bins=['table', bins], by=['columns', by]) -%}
    select
        {{ by | join(',\n        ') }},
        all_count as row_count,
        trained_count,
        index_value as stability_index,
        greatest(scale * (excess - 1.959963984540054 * sqrt(2 * freedom + 4 * excess)), 0) as lower_bound,
        scale * (excess + 1.959963984540054 * sqrt(2 * freedom + 4 * excess)) as upper_bound,
        scale * freedom * pow(1 - 2 / (9 * nullif(freedom, 0)) + 2.3263478740408408 * sqrt(2 / (9 * nullif(freedom, 0))), 3)
            as no_drift_bound
    from (
        select
            *,
            greatest(index_value / scale - freedom, 0) as excess
        from (
            select
                {{ by | join(', ') }},
                all_count,
                trained_count,
                1 / all_count + 1 / trained_count as scale,
                count(*) filter (where row_count > 0 or trained_share > 0) - 1 as freedom,
                sum(
                    (greatest(row_count / all_count, 0.0001) - greatest(trained_share, 0.0001))
                    * ln(greatest(row_count / all_count, 0.0001) / greatest(trained_share, 0.0001))
                    order by bin
                ) as index_value
            from {{ bins }}
            where all_count > 0 and trained_count > 0
            group by all
        ) as summed
    ) as centred
{%- endmacro %}
