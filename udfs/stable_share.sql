cast(
    ('0x' || substr(md5(cast(salt as varchar) || ':' || cast(key as varchar)), 1, 12))::bigint as double
) / 281474976710656
