{#
    No two rows share the values of these columns.

    Arguments:
        columns: names of the key's columns
#}
{% test unique_combination(model, columns) %}
    {%- do _expect('unique_combination', columns=['columns', columns]) -%}

select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
