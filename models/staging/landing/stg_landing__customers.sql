with

source as (

    select * from {{ source('landing', 'customers') }}

),

usable as (

    select * from source
    where customer_id is not null and unreadable_column is null

),

{# a customer may be told of many times: of each column the last value counts #}
ordered as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                coalesce(updated_at, written_at), written_at, source_file, source_line, signed_up_at, country, email, properties
        ) as place

    from usable

),

one_each as (

    select
        ---------- ids
        customer_id,

        ---------- strings
        max_by(country, place) as country,
        max_by(email, place) as email,
        max_by(properties, place) as properties,

        ---------- timestamps
        max_by(signed_up_at, place) as signed_up_at,
        max_by(signed_up_at, place) as known_at

    from ordered
    group by customer_id

)

select * from one_each
