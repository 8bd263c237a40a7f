{#
    What main served before a table's newest content: a relation, or none before the first release.

    Example:
        {{ served_before(this, unlike=ref('customer_segments__kmeans'), columns=['customer_id', 'segment']) }}
        ->  "history"."customer_segments@0123456789ab"

    Arguments:
        served: the served table
        unlike: a relation that it is made of; releases made from the same one as now do not count, so that building twice
            gives the same result
        columns: that the table must have had
#}
{% macro served_before(served, unlike, columns) -%}
    {%- do _expect('served_before', served=['relation', served], unlike=['relation', unlike], columns=['columns', columns]) -%}
    {{ return(scorehouse('served_before', served=served | string, unlike=unlike | string, columns=columns)) }}
{%- endmacro %}
