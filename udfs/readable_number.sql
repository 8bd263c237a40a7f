regexp_replace(
    cast(
        round(
            cast(value as double),
            case when abs(value) >= 10 then 0 when abs(value) >= 1 then 1 when abs(value) >= 0.1 then 2 else 3 end
        ) + 0 as varchar
    ),
    '\.0$',
    ''
)
