{#
    Rules of a seed as (name, condition): SQL conditions over one row, which have passed the sandbox gate. None while dbt only
    parses.

    Example:
        {{ rule_conditions(ref('segment_rules'), 'segment', over=ref('current_snapshots')) }}
        ->  [('newcomer', '(tenure_days <= 30)'), ...]

    Arguments:
        rules: seed with the columns place and condition
        name: its column that names a rule
        over: relation whose columns a condition may read
#}
{% macro rule_conditions(rules, name, over) -%}
    {%- do _expect('rule_conditions', rules=['relation', rules], name=['column', name], over=['relation', over]) -%}
    {{ return(scorehouse('conditions', rules=rules | string, name=name, over=over | string) or []) }}
{%- endmacro %}
