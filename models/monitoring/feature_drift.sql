with

versions as (

    select * from {{ ref('served_versions') }}

),

trained_features as (

    select * from {{ ref('trained_features') }}

),

counts as (

    select * from {{ ref('feature_counts') }}

),

number_ends as (

    select
        implementation,
        feature,
        1 - missing_share as present_share,
        quantiles,
        shares,
        unnest(bin_ends) as bin_end

    from trained_features

),

number_shares as (

    select
        implementation,
        feature,
        present_share,
        bin_end,
        bin_end = max(bin_end) over (partition by implementation, feature) as is_last,
        case
            when is_last then 1
            else coalesce(shares[list_position(quantiles, bin_end)], 0)
        end as share_until

    from number_ends

),

number_bins as (

    select
        implementation,
        feature,
        bin_end,
        is_last,
        present_share * (share_until - coalesce(lag(share_until) over upwards, 0)) as trained_share

    from number_shares
    window upwards as (partition by implementation, feature order by bin_end)

),

categories as (

    select
        implementation,
        feature,
        unnest(categories, max_depth => 2)  -- noqa: AL03

    from trained_features

),

known_categories as (

    select * from categories
    where category is not null

),

listed_categories as (

    select
        implementation,
        feature,
        list(category order by category) as listed,
        sum(cast(share as decimal(18, 15))) as listed_share

    from known_categories
    group by implementation, feature

),

bins as (

    select
        counts.implementation,
        counts.feature,
        counts.period_at,
        cast(number_bins.bin_end as varchar) as bin,
        coalesce(counts.number_counts[number_bins.bin_end], 0)
        + case
            when number_bins.is_last and number_bins.bin_end < 'infinity'
                then coalesce(counts.number_counts[cast('infinity' as double)], 0)
            else 0
        end as row_count,
        number_bins.trained_share
    from counts
    inner join number_bins on counts.implementation = number_bins.implementation and counts.feature = number_bins.feature
    union all
    select
        counts.implementation,
        counts.feature,
        counts.period_at,
        'is ' || known_categories.category as bin,
        coalesce(counts.category_counts[known_categories.category], 0) as row_count,
        known_categories.share as trained_share
    from counts
    inner join known_categories
        on counts.implementation = known_categories.implementation and counts.feature = known_categories.feature
    union all
    select
        counts.implementation,
        counts.feature,
        counts.period_at,
        'other' as bin,
        counts.row_count - counts.missing_count - cast(coalesce(
            list_sum(
                list_transform(
                    listed_categories.listed,
                    lambda one: coalesce(counts.category_counts[one], 0)  -- noqa: RF02, the lambda's own
                )
            ), 0
        ) as bigint) as row_count,
        greatest(1 - trained_features.missing_share - cast(listed_categories.listed_share as double), 0) as trained_share
    from counts
    inner join listed_categories
        on counts.implementation = listed_categories.implementation and counts.feature = listed_categories.feature
    inner join trained_features
        on counts.implementation = trained_features.implementation and counts.feature = trained_features.feature
    union all
    select
        counts.implementation,
        counts.feature,
        counts.period_at,
        'missing' as bin,
        counts.missing_count as row_count,
        trained_features.missing_share as trained_share
    from counts
    inner join trained_features
        on counts.implementation = trained_features.implementation and counts.feature = trained_features.feature

),

counted_bins as (

    select
        bins.*,
        counts.row_count as all_count,
        trained_features.trained_count

    from bins
    inner join counts
        on bins.implementation = counts.implementation and bins.feature = counts.feature and bins.period_at = counts.period_at
    inner join trained_features
        on bins.implementation = trained_features.implementation and bins.feature = trained_features.feature

),

stability as (

    {{ stability_index(bins='counted_bins', by=['implementation', 'feature', 'period_at']) }}

),

{# Agresti and Caffo, 2000: the interval of a difference of two shares with one row of each kind added to either #}
missing as (

    select
        counts.implementation,
        counts.feature,
        counts.period_at,
        counts.missing_count / counts.row_count as missing_share,
        trained_features.missing_share as trained_missing_share,
        (counts.missing_count + 1) / (counts.row_count + 2) as share_now,
        (trained_features.missing_share * trained_features.trained_count + 1) / (trained_features.trained_count + 2)
            as share_then,
        sqrt(
            share_now * (1 - share_now) / (counts.row_count + 2)
            + share_then * (1 - share_then) / (trained_features.trained_count + 2)
        ) as standard_error

    from counts
    inner join trained_features
        on counts.implementation = trained_features.implementation and counts.feature = trained_features.feature

),

drift as (

    select
        stability.implementation,
        versions.model_version,
        stability.feature,
        stability.period_at,
        stability.row_count,
        stability.trained_count,
        missing.missing_share,
        missing.trained_missing_share,
        missing.missing_share - missing.trained_missing_share as missing_increase,
        missing.share_now - missing.share_then - 1.959963984540054 * missing.standard_error as missing_increase_lower,
        missing.share_now - missing.share_then + 1.959963984540054 * missing.standard_error as missing_increase_upper,
        stability.stability_index,
        stability.lower_bound,
        stability.upper_bound,
        stability.no_drift_bound

    from stability
    inner join missing
        on
            stability.implementation = missing.implementation
            and stability.feature = missing.feature
            and stability.period_at = missing.period_at
    inner join versions on stability.implementation = versions.implementation

)

select * from drift
