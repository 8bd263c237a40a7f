{#
    The implementations whose models are monitored: those that declare `meta.monitoring` and that the seed `routes` lets serve;
    of an endpoint that it does not name, all. None while dbt only parses.

    Example:
        {%- for one in monitored() %} ... {{ one.model }} ... {%- endfor %}
        ->  {'implementation': 'churn_risk__logistic', 'model': 'churn__logistic', 'snapshots': 'customer_snapshots',
             'examples': 'churn_examples', 'label': 'is_churned', 'key': ['customer_id', 'as_of'], 'period': 'as_of', 'horizon_days': 90,
             'is_by_time': True, 'lists': None, 'baseline': {'name': 'churn_risk__recency', 'model': 'churn__recency'}}

    `is_by_time` says whether snapshots and examples lie in partitions by the period's day.

    A scores model declares:
        model, snapshots, examples: names of the fitted model, of what it scores, and of its examples, which bring the labels;
            model alone where each of its versions measures its lists on the newest days by itself, as recommenders do
        baseline: what it must beat: another implementation of its endpoint, which serves in its place while it does not
            (`routed`); or `{name: ..., score: ...}`, in words and as an expression over a snapshot, which it is compared with only
        period: when a snapshot is from, an expression over it; the time of the fitted model's split where it is not said
        label: of the examples; the fitted model's where it is not said
        label_days: after how many days labels are known; the horizon of the fitted model's split where it is not said
        lists: of what is ordered, what it is measured on as a whole list: `{examples: <model>, list: ..., item: ..., gain: ...}`,
            the last three as expressions over an example, which has the model's features and the period beside them
    A node that calls this comes after all that is named so (start.py).
#}
{% macro monitored() -%}
    {%- do [ref('routes'), function('score_model'), function('score_model_parts')] -%}
    {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list if execute else [] -%}
    {%- set found = [] -%}
    {%- for node in nodes | selectattr('config.meta.monitoring', 'defined') | sort(attribute='name') -%}
        {%- set declared = node.config.meta.monitoring -%}
        {%- set shares = route_shares(node.name.split('__')[0]) or {} -%}
        {%- set fitted_node = nodes | selectattr('name', 'equalto', declared.model) | first -%}
        {#- what only compiles, as sqlfluff does, has not passed start.py -#}
        {%- set is_after = flags.WHICH in ['build', 'run'] or fitted_node.unique_id in model.depends_on.nodes -%}
        {%- if is_after and (not shares or shares.get(node.name)) -%}
            {%- set fitted = fitted_node.config.meta -%}
            {%- set period = declared.period or fitted.split.time -%}
            {%- set read = nodes | selectattr('name', 'in', [declared.snapshots, declared.examples]) | list -%}
            {%- set cut = read | selectattr('config.materialized', 'equalto', 'partitioned')
                | selectattr('config.meta.partition_by', 'equalto', period) | rejectattr('config.meta.grain', 'defined') | list -%}
            {%- do found.append({
                'implementation': node.name,
                'model': declared.model,
                'snapshots': declared.snapshots or none,
                'examples': declared.examples or none,
                'label': declared.label or fitted.label,
                'key': declared.key or fitted.key,
                'period': period,
                'is_by_time': read | length > 0 and read == cut,
                'horizon_days': declared.label_days or (fitted.split.horizon_days if fitted.split.horizon_days is number else 0),
                'lists': declared.lists,
                'baseline': {
                    'name': declared.baseline,
                    'model': (nodes | selectattr('name', 'equalto', declared.baseline) | first).config.meta.monitoring.model
                } if declared.baseline is string else declared.baseline,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
