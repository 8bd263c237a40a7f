{# The newest rows of customer_snapshots apart, so that nothing that wants them alone reads all past times. #}

with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

)

select * from snapshots
