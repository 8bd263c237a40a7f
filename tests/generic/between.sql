{#
    Every value lies within the bounds, which are allowed values; NULL passes.

    Arguments:
        minimum, maximum: numbers
#}
{% test between(model, column_name, minimum, maximum) %}

select {{ column_name }}
from {{ model }}
where {{ column_name }} not between {{ minimum }} and {{ maximum }}

{% endtest %}
