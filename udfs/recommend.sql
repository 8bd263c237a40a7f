{# The customer's own list, or what is popular for a customer who is not known. #}
select
    recommendations.rank,
    recommendations.item_id,
    recommendations.score,
    recommendations.because_of

from {{ ref('recommendations') }} as recommendations
where recommendations.customer_id = cast(customer as varchar) and recommendations.rank <= k

union all

select
    popular_items.rank,
    popular_items.item_id,
    popular_items.score,
    cast(null as varchar) as because_of

from {{ ref('popular_items') }} as popular_items
where
    popular_items.rank <= k
    and not exists (
        select 1
        from {{ ref('customers') }} as known
        where known.customer_id = cast(customer as varchar)
    )

order by rank
