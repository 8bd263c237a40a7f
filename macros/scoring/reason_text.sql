{#
    A row's column `reasons` in words with its values, the largest first, by the templates of the seed `reason_templates`; NULL
    where there are none.

    Example:
        {{ reason_text('customer_snapshots') }} as reason_text
        ->  last purchase 85 days ago, usually every 20; 1535 spent so far (lowers the score)

    Arguments:
        model: name of the model in models/features whose columns the features are
        row: what the select calls it
#}
{% macro reason_text(model, row='snapshots') -%}
    {%- do _expect('reason_text', model=['text', model], row=['table', row]) -%}
    {%- do ref('reason_templates') -%}
    {%- set number = function('readable_number') | string -%}
    {{ scorehouse('reason_text', model=model, row=row | string, number=number) or 'cast(null as varchar)' }}
{%- endmacro %}
