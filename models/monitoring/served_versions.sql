{# Which versions are watched: those that score what routes let serve. #}

with

versions as (

    select
        cast(null as varchar) as implementation,
        cast(null as varchar) as model,
        cast(null as varchar) as model_version,
        cast(null as varchar) as task,
        cast(null as boolean) as is_probability,
        cast(null as varchar) as baseline,
        cast(null as integer) as horizon_days,
        cast(null as timestamp) as trained_from,
        cast(null as timestamp) as trained_until,
        cast(null as timestamp) as known_until
    where false
    {%- for one in monitored() %}
    union all
    select
        '{{ one.implementation }}' as implementation,
        '{{ one.model }}' as model,
        model_version,
        task,
        len(list_filter(metrics, lambda measured: measured['metric'] = 'log_loss')) > 0 as is_probability,
        '{{ one.baseline.name }}' as baseline,
        {{ one.horizon_days }} as horizon_days,
        train_from as trained_from,
        train_until as trained_until,
        coalesce(test_until, train_until) as known_until
    from {{ served_version(one.model, one.implementation) }}
    where status = 'ready'
    {%- endfor %}

)

select * from versions
