{#
    What a model says of a row of whatever time without having learned from it: for times that the version learned from, what its
    metrics were measured with; a double. Reads the common table `versions`, the rows of served_versions.

    Example:
        {{ held_out_score('churn__logistic', 'churn_risk__logistic', watched='churn_risk__logistic', period='as_of') }}
        ->  case when as_of <= (select trained_until from versions where ...) then 1 / (1 + exp(...)) else 1 / (1 + exp(...)) end

    Arguments:
        model: name of a fitted model; its features must be columns of the select
        implementation: name of the scores, as in the seed routes
        watched: the implementation whose version says what was learned from, also for its baseline
        period: the time of a row, an expression
#}
{% macro held_out_score(model, implementation, watched, period) -%}
    {%- do _expect('held_out_score', model=['fitted', model], implementation=['text', implementation]) -%}
    {%- set served = score(model, implementation=implementation) -%}
    {%- set measured = score(model, implementation=implementation, measured=true) -%}
    {%- if measured == served -%}
        {{ served }}
    {%- else -%}
        case
            when {{ period }} <= (select trained_until from versions where implementation = '{{ watched }}') then {{ measured }}
            else {{ served }}
        end
    {%- endif -%}
{%- endmacro %}
