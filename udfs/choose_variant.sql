(
    select
        {
            'variant': variant_choices.variant,
            'propensity': variant_choices.propensity,
            'reason': variant_choices.reason
        }
    from {{ ref('variant_choices') }} as variant_choices
    where
        variant_choices.experiment = experiment_name
        and variant_choices.draw = cast(floor({{ var('variant_draws') }} * {{ function('stable_share') }}(visitor, experiment_name)) as integer)
)
