{#
    Run a node's hooks around one store operation, print its outcome, and tell dbt which relation it made.

    Example:
        {{ return(settled('view', sql=compiled_code)) }}  ->  {'relations': ["warehouse"."staging"."stg_retail__items"]}

    Arguments:
        operation: 'table', 'view', 'fitted', 'partitioned', 'seed' or 'function'
        kwargs: the operation's arguments beside the node's id
#}
{% macro settled(operation) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks) }}
    {%- set outcome = scorehouse(operation, is_open=true, node_id=model.unique_id, **kwargs) -%}
    {%- call noop_statement('main', outcome, outcome) -%}
        {{ kwargs.get('sql', '') }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() if post_hooks or pre_hooks }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmacro %}
