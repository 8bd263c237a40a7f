{#
    A standard normal draw of the payment simulator, of two uniform ones (Box and Muller, 1958).

    Example:
        50 + 25 * {{ normal_draw('payment_id', 'amount') }}

    Arguments:
        key, name: as in uniform_draw
#}
{% macro normal_draw(key, name) -%}
    {%- do _expect('normal_draw', key=['text', key], name=['text', name]) -%}
    sqrt(-2 * ln(1 - {{ uniform_draw(key, name ~ ' radius') }})) * cos(2 * pi() * {{ uniform_draw(key, name ~ ' angle') }})
{%- endmacro %}
