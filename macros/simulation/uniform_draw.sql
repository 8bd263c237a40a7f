{#
    A uniform draw in [0, 1) of the payment simulator: a hash of what is drawn and of payment_simulator_seed.

    Example:
        100 * {{ uniform_draw('customer_id', 'x') }}

    Arguments:
        key: SQL text that says for whom
        name: of the draw, so that several for the same key are independent
#}
{% macro uniform_draw(key, name) -%}
    {%- do _expect('uniform_draw', key=['text', key], name=['text', name]) -%}
    {{ function('stable_share') }}({{ key }}, '{{ name }} {{ var("payment_simulator_seed") }}')
{%- endmacro %}
