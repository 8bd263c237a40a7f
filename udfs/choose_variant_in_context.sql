(
    with

    visitor_features as (

        select
            list(
                case
                    when variant_features.key = '' then 1
                    when variant_features.level is null
                        then coalesce(
                            (
                                try_cast(json_extract_string(visitor_context, '$."' || variant_features.key || '"') as double)
                                - variant_features.center
                            ) / variant_features.scale,
                            0
                        )
                    else coalesce(
                        cast(
                            json_extract_string(visitor_context, '$."' || variant_features.key || '"') = variant_features.level
                            as double
                        ),
                        0
                    )
                end
                order by variant_features.place
            ) as features
        from {{ ref('variant_features') }} as variant_features
        where variant_features.experiment = experiment_name

    ),

    winners as (

        select
            variant_weights.draw,
            arg_max(
                variant_weights.variant,
                (list_dot_product(visitor_features.features, variant_weights.weights), variant_weights.variant)
            ) as variant
        from {{ ref('variant_weights') }} as variant_weights
        cross join visitor_features
        where variant_weights.experiment = experiment_name
        group by variant_weights.draw

    ),

    choices as (

        select
            variant_choices.draw,
            variant_choices.reason,
            case
                when variant_choices.reason = 'thompson' then coalesce(winners.variant, variant_choices.variant)
                else variant_choices.variant
            end as variant
        from {{ ref('variant_choices') }} as variant_choices
        left join winners on variant_choices.draw % {{ var('context_draws') }} = winners.draw
        where variant_choices.experiment = experiment_name

    )

    select
        {
            'variant': any_value(chosen.variant),
            'propensity': count(*) / {{ var('variant_draws') }},
            'reason': any_value(chosen.reason)
        }
    from choices as chosen
    inner join choices as alike on chosen.variant = alike.variant
    where chosen.draw = cast(floor({{ var('variant_draws') }} * {{ function('stable_share') }}(visitor, experiment_name)) as integer)
    having count(*) > 0
)
