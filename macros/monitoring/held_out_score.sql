{#
    What a model says of a row of whatever time without knowing what came of it: what serves, of times that its training's outcomes
    do not reach; what its metrics were measured with, of those before; a double.

    Example:
        {{ held_out_score('churn__logistic', 'churn_risk__logistic', period='as_of') }}
        ->  case when as_of >= (select ...) then 1 / (1 + exp(...)) else 1 / (1 + exp(...)) end

    Arguments:
        model: name of a fitted model; its features must be columns of the select
        implementation: name of the scores, as in the seed routes
        period: the time of a row, an expression
#}
{% macro held_out_score(model, implementation, period) -%}
    {%- do _expect('held_out_score', model=['fitted', model], implementation=['text', implementation]) -%}
    {%- set served = score(model, implementation=implementation) -%}
    {%- set measured = score(model, implementation=implementation, measured=true) -%}
    {%- if measured == served -%}
        {{ served }}
    {%- else -%}
        case when {{ is_held_out(model, implementation, period, measured=false) }} then {{ served }} else {{ measured }} end
    {%- endif -%}
{%- endmacro %}
