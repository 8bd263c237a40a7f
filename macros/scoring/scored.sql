{#
    The scores of one implementation, as a whole select over the common table `snapshots`: one row a snapshot, in the columns
    that an endpoint expects. A model without a usable version gives no rows: the table is empty, not wrong.

    Example:
        {{ scored('churn__logistic', ['customer_id']) }}

    Arguments:
        model: name of a fitted model; its features must be columns of `snapshots`
        columns: what else is kept of a snapshot, its key first
        as_of: the column of a snapshot's time
#}
{% macro scored(model, columns, as_of='as_of') -%}
    {%- do _expect('scored', model=['fitted', model], columns=['columns', columns], as_of=['column', as_of]) -%}
    select scored.*
    from (
        select
            {{ columns | join(', ') }},
            {{ score(model) }} as score,
            '{{ own_name() }}' as implementation,
            {{ model_version(model) }} as model_version,
            {{ as_of }} as as_of,
            {{ built_at() }} as scored_at,
            {{ reasons(model) }} as reasons
        from snapshots
    ) as scored
    where scored.score is not null
{%- endmacro %}
