{#
    Simulated payments, as the Fraud Detection Handbook describes them (Le Borgne, Siblini, Lebichot, Bontempi, Reproducible
    Machine Learning for Credit Card Fraud Detection, 2022, chapter 3): customers pay at terminals near them, with habits of
    their own. Every draw is a hash of the seed and what is drawn, so the same variables always give the same payments.

    Scenario 1: an amount above 220. Scenario 2: a terminal is compromised for 28 days, and every payment there is fraud.
    Scenario 3: a customer's card is stolen for 14 days, and a third of the payments are fraud of five times the amount.
#}

with

customer_numbers as (

    select concat('customer ', unnest(range({{ var('payment_simulator_customers') }}))) as customer_id

),

customers as (

    select
        customer_id,
        100 * {{ uniform_draw('customer_id', 'x') }} as x,
        100 * {{ uniform_draw('customer_id', 'y') }} as y,
        5 + 95 * {{ uniform_draw('customer_id', 'amount') }} as mean_amount,
        4 * {{ uniform_draw('customer_id', 'frequency') }} as mean_payments_per_day

    from customer_numbers

),

terminal_numbers as (

    select concat('terminal ', unnest(range({{ var('payment_simulator_terminals') }}))) as terminal_id

),

terminals as (

    select
        terminal_id,
        100 * {{ uniform_draw('terminal_id', 'x') }} as x,
        100 * {{ uniform_draw('terminal_id', 'y') }} as y

    from terminal_numbers

),

reachable_terminals as (

    select
        customers.customer_id,
        terminals.terminal_id,
        row_number() over (
            partition by customers.customer_id
            order by terminals.terminal_id
        ) as place,
        count(*) over (partition by customers.customer_id) as terminal_count

    from customers
    inner join terminals
        on
            (customers.x - terminals.x) * (customers.x - terminals.x)
            + (customers.y - terminals.y) * (customers.y - terminals.y)
            < 25

),

days as (

    select cast(unnest(range({{ var('payment_simulator_days') }})) as integer) as day

),

numbers as (

    select unnest(range(20)) as number

),

{# the number of payments of a day is Poisson: the nth payment is made where a draw is at least the chance of fewer than n #}
payment_numbers as (

    select
        customers.customer_id,
        numbers.number + 1 as number,
        sum(
            exp(-customers.mean_payments_per_day) * pow(customers.mean_payments_per_day, numbers.number)
            / gamma(numbers.number + 1)
        ) over (
            partition by customers.customer_id
            order by numbers.number
        ) as chance_of_fewer

    from customers
    cross join numbers

),

customer_days as (

    select
        customers.*,
        days.day,
        concat(customers.customer_id, ' day ', days.day) as customer_day

    from customers
    cross join days

),

drawn_payments as (

    select
        customer_days.customer_id,
        customer_days.day,
        customer_days.mean_amount,
        concat(customer_days.customer_day, ' payment ', payment_numbers.number) as payment_id

    from customer_days
    inner join payment_numbers
        on
            customer_days.customer_id = payment_numbers.customer_id
            and {{ uniform_draw('customer_days.customer_day', 'count') }} >= payment_numbers.chance_of_fewer

),

timed_payments as (

    select
        *,
        cast(floor(43200 + 20000 * {{ normal_draw('payment_id', 'time') }}) as bigint) as second,
        mean_amount + mean_amount / 2 * {{ normal_draw('payment_id', 'amount') }} as normal_amount

    from drawn_payments

),

placed_payments as (

    select
        timed_payments.*,
        reachable_terminals.terminal_id,
        case
            when timed_payments.normal_amount > 0 then timed_payments.normal_amount
            else 2 * timed_payments.mean_amount * {{ uniform_draw('timed_payments.payment_id', 'uniform amount') }}
        end as usual_amount

    from timed_payments
    inner join reachable_terminals
        on
            timed_payments.customer_id = reachable_terminals.customer_id
            and reachable_terminals.place
            = 1 + floor({{ uniform_draw('timed_payments.payment_id', 'terminal') }} * reachable_terminals.terminal_count)
    where timed_payments.second between 0 and 86399

),

compromised_terminals as (

    select distinct
        terminals.terminal_id,
        unnest(generate_series(days.day, days.day + 27)) as day

    from terminals
    cross join days
    where {{ uniform_draw("concat(terminals.terminal_id, ' day ', days.day)", 'compromised') }} < 2 / 10000

),

stolen_cards as (

    select distinct
        customer_id,
        unnest(generate_series(day, day + 13)) as day

    from customer_days
    where {{ uniform_draw('customer_day', 'stolen') }} < 3 / 5000

),

judged_payments as (

    select
        placed_payments.*,
        compromised_terminals.terminal_id is not null as is_at_compromised_terminal,
        stolen_cards.customer_id is not null
        and {{ uniform_draw('placed_payments.payment_id', 'thief') }} < 1 / 3 as is_with_stolen_card

    from placed_payments
    left join compromised_terminals
        on placed_payments.terminal_id = compromised_terminals.terminal_id and placed_payments.day = compromised_terminals.day
    left join stolen_cards
        on placed_payments.customer_id = stolen_cards.customer_id and placed_payments.day = stolen_cards.day

),

payments as (

    select
        ---------- ids
        payment_id,
        customer_id,
        terminal_id,

        ---------- numerics
        round(case when is_with_stolen_card then 5 else 1 end * usual_amount, 2) as amount,
        case
            when is_with_stolen_card then 3
            when is_at_compromised_terminal then 2
            when usual_amount > 220 then 1
            else 0
        end as fraud_scenario,

        ---------- timestamps
        timestamp '2024-01-01' + to_days(day) + to_seconds(second) as occurred_at

    from judged_payments

)

select * from payments
