{#
    After all nodes (on-run-end): publish a release when the whole build is green, and say what happened.
    dbt asks it after build, run, seed, test and snapshot, and whichever of these it tries again.

    Arguments:
        results: dbt's results of this run
#}
{% macro finish_run(results) %}
    {%- if flags.WHICH in ['build', 'run', 'seed', 'test', 'snapshot'] -%}
        {%- set statuses = {} -%}
        {%- for result in results -%}
            {%- do statuses.update({result.node.unique_id: result.status | string}) -%}
        {%- endfor -%}
        {%- set outcome = scorehouse('finish', statuses=statuses, command=flags.WHICH) -%}
        {%- if outcome.lines and flags.QUIET and not outcome.is_green -%}
            {%- do print(outcome.lines | join('\n')) -%}
        {%- elif outcome.lines -%}
            {%- do log(outcome.lines | join('\n'), info=true) -%}
        {%- endif -%}
        {%- if outcome.receipt -%}
            {%- do print(outcome.receipt | join('\n')) -%}
        {%- endif -%}
        {%- if outcome.error -%}
            select error('{{ outcome.error | replace("'", "''") }}')
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
