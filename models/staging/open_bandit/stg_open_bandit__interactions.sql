{# The data identify nobody: every impression has a visitor of its own, and a click names its impression. #}

with

impressions as (

    select
        *,
        to_json(struct_pack(
            user_feature_0 := user_feature_0,
            user_feature_1 := user_feature_1,
            user_feature_2 := user_feature_2,
            user_feature_3 := user_feature_3,
            position := cast(position as varchar)
        )) as context,
        to_json(struct_pack(exposure_id := impression_id)) as link

    from {{ ref('stg_open_bandit__impressions') }}

),

interactions as (

    {%- for interaction_type in ['impression', 'click'] %}

    select
        ---------- ids
        {{ "impression_id" if interaction_type == 'impression' else "impression_id || '-click'" }} as interaction_id,
        impression_id as customer_id,
        impression_id as session_id,
        item_id,

        ---------- strings
        '{{ interaction_type }}' as interaction_type,
        cast(null as varchar) as query,
        'open_bandit_' || behavior_policy as experiment,
        item_id as variant,

        ---------- numerics
        cast(null as double) as quantity,
        cast(null as double) as amount,
        position,
        {{ 'propensity' if interaction_type == 'impression' else 'cast(null as double)' }} as propensity,
        {{ 'context' if interaction_type == 'impression' else 'link' }} as properties,

        ---------- timestamps
        occurred_at,
        occurred_at as received_at

    from impressions
    {%- if interaction_type == 'click' %}
    where is_clicked
    {%- else %}
    union all
    {%- endif %}
    {%- endfor %}

)

select * from interactions
