with

source as (

    select * from {{ source('open_bandit', 'impressions') }}

),

renamed as (

    select
        ---------- ids
        concat_ws('-', behavior_policy, row_number) as impression_id,
        cast(item_id as varchar) as item_id,

        ---------- strings
        behavior_policy,
        user_feature_0,
        user_feature_1,
        user_feature_2,
        user_feature_3,

        ---------- numerics
        position,
        propensity_score as propensity,

        ---------- booleans
        click = 1 as is_clicked,

        ---------- timestamps
        timestamp as occurred_at

    from source

)

select * from renamed
