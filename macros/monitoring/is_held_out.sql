{#
    Whether a time is one whose outcomes a version did not learn from: later than all that it was trained on, and their labels, which
    look ahead, do not reach it. True for one that was trained on no times.

    Example:
        {{ is_held_out('churn__logistic', 'churn_risk__logistic', period='as_of') }}
        ->  coalesce(as_of >= (select ... from "warehouse"."learning"."churn__logistic"), true)

    Arguments:
        model: name of a fitted model
        implementation: name of the scores, as in the seed routes
        period: the time of a row, an expression
        measured: whether what its metrics were measured with is meant; else what serves
#}
{% macro is_held_out(model, implementation, period, measured=true) -%}
    {%- do _expect('is_held_out', model=['fitted', model], implementation=['text', implementation]) -%}
    {%- set until = 'coalesce(measured_until, train_until)' if measured else 'train_until' -%}
    coalesce(
        {{ period }} >= (
            {#- of the one row; an aggregate of it does not depend on the order of rows #}
            select max(
                {{ until }} + to_microseconds(
                    greatest(cast(coalesce(cast(spec ->> '$.split.horizon_days' as double), 0) * 86400000000 as bigint), 1)
                )
            )
            from {{ served_version(model, implementation) }}
        ),
        true
    )
{%- endmacro %}
