{{ config(group='data', severity='warn') }}
{#
    No column of the interactions arrives empty that used to be filled: features count what is missing as nothing, an amount as 0.
    Asked of the newest rows of each source and type, against those of the weeks before; not of searches and experiments, which begin
    and end.
#}
{%- set columns = ['session_id', 'item_id', 'quantity', 'amount'] %}
{%- set newest_rows, usual_rows, usual_days = 50, 200, 35 %}

with

as_of_times as (

    select * from {{ ref('int_as_of_times') }}
    where is_current

),

recent as (

    select
        interactions.*,
        row_number() over (
            partition by interactions.interaction_source, interactions.interaction_type
            order by greatest(interactions.occurred_at, interactions.received_at) desc, interactions.interaction_id desc
        ) <= {{ newest_rows }} as is_newest

    from {{ ref('int_interactions') }} as interactions
    inner join as_of_times
        on
            interactions.occurred_at >= as_of_times.as_of - to_days({{ usual_days }})
            and greatest(interactions.occurred_at, interactions.received_at) < as_of_times.as_of
    where interactions.query is null and interactions.experiment is null

),

filled as (

    select
        interaction_source,
        interaction_type,
        unnest(  -- noqa: AL03
            [
                {%- for column in columns %}
                struct_pack(
                    name := '{{ column }}',
                    newest := count({{ column }}) filter (where is_newest) / count(*) filter (where is_newest),
                    usual := count({{ column }}) filter (where not is_newest) / count(*) filter (where not is_newest)
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ],
            max_depth => 2
        )

    from recent
    group by interaction_source, interaction_type
    having count(*) filter (where not is_newest) >= {{ usual_rows }}

)

select
    concat(
        interaction_source, ', ', interaction_type, ', ', name, ': expected in ', cast(round(100 * usual) as integer),
        '% of the rows, as in the {{ usual_days }} days before, found in ', cast(round(100 * newest) as integer),
        '% of the newest {{ newest_rows }}; ask who delivers the source: what is missing counts as nothing.'
    ) as sentence
from filled
where usual >= 0.5 and newest < usual / 2
order by sentence
