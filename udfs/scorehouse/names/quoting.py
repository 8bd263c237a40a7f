"""Names and texts as SQL writes them, whatever is in them."""


def identifier(name: str) -> str:
    """A name in double quotes, those inside it doubled.

    >>> print(identifier('the "best" item'))
    "the ""best"" item"
    """
    return '"' + name.replace('"', '""') + '"'


def quoted(relation: str) -> str:
    """A relation's two-part name, each part in quotes; it is cut at its first dot.

    >>> quoted("features.customer_snapshots")
    '"features"."customer_snapshots"'
    """
    return ".".join(identifier(part) for part in relation.split(".", 1))


def plain(relation: str) -> str:
    """schema.name of a relation as SQL writes it, with or without its database and quotes; no part has a dot inside it.

    >>> plain('"warehouse"."features"."customer_snapshots"')
    'features.customer_snapshots'
    """
    return ".".join(part.strip('"') for part in relation.split(".")[-2:])


def folded(name: str) -> str:
    """A name as DuckDB compares it: ASCII's letters alone count in either case.

    >>> folded("Weighted"), folded("\u212aey") == "key"
    ('weighted', False)
    """
    return name.encode().lower().decode()


def literal(value: object) -> str:
    """A value's text as a literal; NULL for None.

    >>> literal("it's"), literal(None)
    ("'it''s'", 'null')
    """
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"
