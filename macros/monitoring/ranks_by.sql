{#
    Where a row stands by a score among all rows of its version and period, and among those with the same outcome: ranks from 1 of
    the lowest, equal ones alike, as `<name>_rank` and `<name>_rank_alike`; and `<name>_beaten`, twice the number of rows
    of the other outcome that are lower, of equal ones once.

    Example:
        {{ ranks_by('score', 'model') }}  ->  rank() over (...) as model_rank, ...

    Arguments:
        score: a column; beside it the rows have implementation, period_at and realised
        name: what the columns' names begin with
#}
{% macro ranks_by(score, name) -%}
    {%- do _expect('ranks_by', score=['column', score], name=['column', name]) -%}
    {%- set all = 'partition by implementation, period_at' -%}
    {%- set alike = all ~ ', realised' -%}
    rank() over ({{ all }} order by {{ score }}) as {{ name }}_rank,
        rank() over ({{ alike }} order by {{ score }}) as {{ name }}_rank_alike,
        2 * ({{ name }}_rank - {{ name }}_rank_alike)
        + count(*) over ({{ all }}, {{ score }}) - count(*) over ({{ alike }}, {{ score }}) as {{ name }}_beaten
{%- endmacro %}
