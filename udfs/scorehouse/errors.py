"""The one exception that Scorehouse raises for something its user can mend."""


class ScorehouseError(Exception):
    """One sentence for the person who must act: what, where, expected, found, what to do."""


def first_line(error: Exception) -> str:
    """What an error says first: DuckDB and others add lines of context that a sentence has no room for."""
    return str(error).splitlines()[0]
