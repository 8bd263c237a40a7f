{#
    After all nodes (on-run-end): publish a release when the whole build is green, and say what happened.
    dbt asks it after build, run, seed, test and snapshot, and whichever of these it tries again.

    Arguments:
        results: dbt's results of this run
#}
{% macro finish_run(results) %}
    {%- if flags.WHICH in ['build', 'run', 'seed', 'test', 'snapshot'] -%}
        {%- set said = [] -%}
        {%- for result in results -%}
            {%- do said.append({
                'node_id': result.node.unique_id,
                'status': result.status | string,
                'message': (result.message or '') | string,
                'seconds': result.execution_time,
            }) -%}
        {%- endfor -%}
        {%- set outcome = scorehouse('finish', results=said, command=flags.WHICH) -%}
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
