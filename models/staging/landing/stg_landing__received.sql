with

source as (

    select * from {{ source('landing', 'interactions') }}

),

renamed as (

    select
        ---------- ids
        nullif(trim(interaction_id), '') as interaction_id,
        nullif(trim(customer_id), '') as customer_id,
        session_id,
        nullif(trim(item_id), '') as item_id,

        ---------- strings
        lower(nullif(trim(interaction_type), '')) as interaction_type,
        query,
        experiment,
        variant,

        ---------- numerics
        quantity,
        amount,
        position,
        propensity,
        properties,

        ---------- timestamps
        occurred_at,
        coalesce(received_at, occurred_at) as received_at

    from source

),

judged as (

    select
        *,
        case
            when interaction_id is null then 'no interaction id'
            when customer_id is null then 'no customer id'
            when interaction_type is null then 'no interaction type'
            {# an infinite time has no year #}
            when coalesce(year(occurred_at) not between 1970 and 2100, true) then 'impossible date'
            when coalesce(year(received_at) not between 1970 and 2100, true) then 'impossible date of receipt'
            when not isfinite(amount) or abs(amount) >= 1e15 then 'impossible amount'
            when amount < 0 then 'negative amount'
            when quantity < 0 or not isfinite(quantity) then 'impossible quantity'
        end as rejection_reason

    from renamed

),

numbered as (

    select
        *,
        row_number() over (
            partition by
                date_trunc('{{ var("interaction_grain") }}', occurred_at), interaction_id, rejection_reason is null
            order by
                received_at, occurred_at, customer_id, session_id, interaction_type, item_id, quantity, amount, query, position,
                experiment, variant, propensity, properties, rejection_reason
        ) as place

    from judged

)

select * from numbered
