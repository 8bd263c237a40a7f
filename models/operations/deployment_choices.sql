with

levels as (

    select * from {{ ref('requirement_levels') }}

),

guide as (

    select * from {{ ref('deployment_guide') }}

),

combinations as (

    select
        volumes.level as volume,
        churns.level as data_churn,
        needs.level as real_time_need,
        systems.level as customer_system,
        states.level as statefulness

    from levels as volumes
    cross join levels as churns
    cross join levels as needs
    cross join levels as systems
    cross join levels as states
    where
        volumes.requirement = 'volume'
        and churns.requirement = 'data_churn'
        and needs.requirement = 'real_time_need'
        and systems.requirement = 'customer_system'
        and states.requirement = 'statefulness'

),

first_matches as (

    select
        combinations.volume,
        combinations.data_churn,
        combinations.real_time_need,
        combinations.customer_system,
        combinations.statefulness,
        min(guide.place) as place

    from combinations
    left join guide
        on
            combinations.volume = coalesce(guide.volume, combinations.volume)
            and combinations.data_churn = coalesce(guide.data_churn, combinations.data_churn)
            and combinations.real_time_need = coalesce(guide.real_time_need, combinations.real_time_need)
            and combinations.customer_system = coalesce(guide.customer_system, combinations.customer_system)
            and combinations.statefulness = coalesce(guide.statefulness, combinations.statefulness)
    group by all

),

choices as (

    select
        first_matches.volume,
        first_matches.data_churn,
        first_matches.real_time_need,
        first_matches.customer_system,
        first_matches.statefulness,
        first_matches.place,
        guide.deployment,
        guide.reason

    from first_matches
    left join guide on first_matches.place = guide.place

)

select * from choices
