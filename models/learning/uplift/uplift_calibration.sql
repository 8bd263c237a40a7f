{#
    How predicted uplifts are turned into what serves: around the randomised effect, and as far apart as what came of the later half
    of the assignments says. The slope is that of the best linear predictor of the effect by the prediction: of
    (y - mean y) (t / p - (1 - t) / (1 - p)) on it, on customers whom neither fit knew; one with several assignments counts once in its
    standard error. Source: Chernozhukov, Demirer, Duflo,
    Fernandez-Val (2018), Generic machine learning inference on heterogeneous treatment effects in randomized experiments.
#}

with

examples as (

    select * from {{ ref('uplift_examples') }}

),

scored as (

    select
        assignment_id,
        customer_id,
        weight,
        is_treated,
        has_purchased,
        {{ score('uplift__treated') }} - {{ score('uplift__held_out') }} as predicted,
        {{ score('uplift__treated', measured=true) }} - {{ score('uplift__held_out', measured=true) }} as held_out_predicted,
        period_at = max(period_at) over () and min(period_at) over () < period_at as is_test

    from examples

),

overall as (

    select
        sum(predicted order by assignment_id) / count(predicted) as mean_predicted,
        sum(weight * has_purchased order by assignment_id) filter (where is_treated)
        / sum(weight order by assignment_id) filter (where is_treated)
        - sum(weight * has_purchased order by assignment_id) filter (where not is_treated)
        / sum(weight order by assignment_id) filter (where not is_treated) as effect

    from scored

),

tested as (

    select
        assignment_id,
        customer_id,
        held_out_predicted,
        (has_purchased - avg(has_purchased) over ()) * case when is_treated then weight else -weight end as gain

    from scored
    where
        is_test
        and held_out_predicted is not null
        and not exists (
            select 1 from scored as trained
            where not trained.is_test and trained.customer_id = scored.customer_id
        )

),

means as (

    select
        sum(gain order by assignment_id) / count(*) as gain,
        sum(held_out_predicted order by assignment_id) / count(*) as predicted

    from tested

),

centred as (

    select
        tested.assignment_id,
        tested.customer_id,
        tested.gain - means.gain as gain,
        tested.held_out_predicted - means.predicted as predicted

    from tested
    cross join means

),

slopes as (

    select
        count(*) as test_count,
        sum(predicted * predicted order by assignment_id) as variation,
        sum(predicted * gain order by assignment_id) / nullif(variation, 0) as slope

    from centred

),

scores_of_customers as (

    select
        centred.customer_id,
        any_value(slopes.variation) as variation,
        sum(centred.predicted * (centred.gain - slopes.slope * centred.predicted) order by centred.assignment_id) as score

    from centred
    cross join slopes
    group by centred.customer_id

),

errors as (

    select sqrt(sum(score * score order by customer_id)) / nullif(any_value(variation), 0) as slope_standard_error
    from scores_of_customers

),

calibration as (

    select
        overall.effect,
        overall.mean_predicted,
        slopes.slope,
        errors.slope_standard_error,
        {# what does not tell customers apart with 95% certainty is the same for all; what was learned is never stretched #}
        case
            when slopes.slope > 1.645 * errors.slope_standard_error then least(slopes.slope, 1)
            else 0
        end as served_slope,
        slopes.test_count

    from overall
    cross join slopes
    cross join errors
    where overall.effect is not null and overall.mean_predicted is not null

)

select * from calibration
