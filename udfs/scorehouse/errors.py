"""The one exception that Scorehouse raises for something its user can mend."""


class ScorehouseError(Exception):
    """One sentence for the person who must act: what, where, expected, found, what to do."""
