{#
    One row has the value, exactly.

    Arguments:
        value: a text
#}
{% test holds_once(model, column_name, value) %}

select
    count(*) as row_count,
    string_agg({{ column_name }}, ', ') as found
from {{ model }}
having count(*) filter (where {{ column_name }} = '{{ value }}') <> 1

{% endtest %}
