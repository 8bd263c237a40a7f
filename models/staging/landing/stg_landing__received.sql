{%- set columns = [
    'customer_id', 'session_id', 'interaction_type', 'item_id', 'quantity', 'amount', 'query', 'position', 'experiment',
    'variant', 'propensity', 'properties', 'occurred_at'
] -%}
{%- set content = 'md5(cast(to_json((' ~ columns | join(', ') ~ ')) as varchar))' -%}
{%- set period = "date_trunc('" ~ var('interaction_grain') ~ "', occurred_at)" -%}
{#- an infinite time has no year -#}
{%- set checks = [
    ('customer_id is null', 'no customer id', 'customer_id'),
    ('interaction_type is null', 'no interaction type', 'interaction_type'),
    ('coalesce(year(occurred_at) not between 1970 and 2100, true)', 'impossible date', 'occurred_at'),
    ('coalesce(year(received_at) not between 1970 and 2100, true)', 'impossible date of receipt', 'received_at'),
    ('not isfinite(amount) or abs(amount) >= 1e15', 'impossible amount', 'amount'),
    ('amount < 0', 'negative amount', 'amount'),
    ('quantity < 0 or not isfinite(quantity) or quantity >= 1e15', 'impossible quantity', 'quantity'),
    ('unit_price < 0 or not isfinite(unit_price) or unit_price >= 1e15', 'impossible unit price', 'unit_price'),
    ('propensity < 0 or propensity > 1', 'impossible propensity', 'propensity'),
    ('position < 0', 'impossible position', 'position'),
] -%}

with

source as (

    select * from {{ source('landing', 'interactions') }}

),

renamed as (

    select
        ---------- ids
        interaction_id,
        customer_id,
        session_id,
        item_id,

        ---------- strings
        lower(interaction_type) as interaction_type,
        query,
        experiment,
        variant,
        source_file,
        unreadable_column,
        unreadable_value,

        ---------- numerics
        quantity,
        unit_price,
        coalesce(amount, quantity * unit_price) as amount,
        position,
        propensity,
        properties,
        source_line,

        ---------- timestamps
        occurred_at,
        coalesce(received_at, occurred_at) as received_at

    from source

),

judged as (

    select
        * exclude (unreadable_column, unreadable_value, unit_price),
        {{- _rejection(checks) }},
        {{ period }} as period,
        {# rows that may have one id have one key: an id that is made is `row-`, the content, and a number #}
        case
            when interaction_id is null then concat('row-', {{ content }})
            when starts_with(interaction_id, 'row-') then left(interaction_id, 36)
            else interaction_id
        end as id_key

    from renamed

),

shared_keys as (

    select
        period,
        id_key

    from judged
    group by period, id_key
    having count(*) > 1

),

alone as (

    select judged.*

    from judged
    anti join shared_keys on judged.period is not distinct from shared_keys.period and judged.id_key = shared_keys.id_key

),

shared as (

    select judged.*

    from judged
    semi join shared_keys on judged.period is not distinct from shared_keys.period and judged.id_key = shared_keys.id_key

),

worded as (

    select
        *,
        {{ content }} as content

    from shared

),

{# rows of one file that say the same are as many interactions; a row that another file repeats is the same one again #}
counted as (

    select
        *,
        row_number() over (partition by period, interaction_id is null, source_file, content order by source_line) as copy

    from worded

),

identified as (

    select
        * exclude (copy)
        replace (coalesce(interaction_id, concat('row-', content, '-', copy)) as interaction_id)

    from counted

),

numbered as (

    select
        *,
        row_number() over received as place,
        first_value(content) over received as first_content,
        row_number() over alike as place_in_file

    from identified
    window
        alike as (
            partition by period, interaction_id, rejection_reason is null, content, source_file
            order by source_line
        ),
        received as (
            partition by period, interaction_id, rejection_reason is null
            order by received_at, {{ columns | join(', ') }}, content, source_file, source_line
        )

),

compared as (

    select
        * exclude (period, id_key, content, first_content, place_in_file),
        coalesce(place > 1 and content <> first_content, false) as is_contradicted,
        place_in_file > 1 as is_repeated_in_file

    from numbered

),

{# most rows share their id with none, and are compared with none #}
received as (

    select
        * exclude (period, id_key)
        replace (coalesce(interaction_id, concat(id_key, '-1')) as interaction_id),
        1 as place,
        false as is_contradicted,
        false as is_repeated_in_file
    from alone
    union all by name
    select * from compared

)

select * from received
