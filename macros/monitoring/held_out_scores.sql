{#
    Columns that say of each row what its outcome may be held against: is_held_out, whether neither the version nor its baseline
    knew it; held_out_score; and baseline_score, which says the same of the baseline.

    Example:
        {{ held_out_scores(one) }}
        ->  coalesce(as_of >= (select ...), true) as is_held_out, ... as held_out_score, cast(... as double) as baseline_score

    Arguments:
        one: an implementation, as `monitored` gives it; its model's features must be columns of the select
#}
{% macro held_out_scores(one) -%}
    {%- do _expect('held_out_scores', one=['monitored', one]) -%}
    {%- set baseline = one.baseline -%}
    {{ is_held_out(one.model, one.implementation, one.period) }}
        {%- if baseline.model is defined %}
        and {{ is_held_out(baseline.model, baseline.name, one.period) }}
        {%- endif %} as is_held_out,
        {{ held_out_score(one.model, one.implementation, one.period) }} as held_out_score,
        cast(
            {{ held_out_score(baseline.model, baseline.name, one.period)
                if baseline.model is defined else baseline.score }} as double
        ) as baseline_score
{%- endmacro %}
