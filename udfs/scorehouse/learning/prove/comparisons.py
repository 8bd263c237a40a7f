"""What a query's conditions say of tables: whether their rows lie before or after the examples' time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlglot import exp

IsTime = Callable[[exp.Column], bool]
"""Whether a column is the examples' time."""

INEQUALITIES = {exp.GT: False, exp.GTE: False, exp.LT: True, exp.LTE: True}
"""Comparisons, and whether their right side is the later one."""
_LATER_SUMS = (exp.Add, exp.DateAdd, exp.TimestampAdd)
_EARLIER_SUMS = (exp.Sub, exp.DateSub, exp.TimestampSub)


@dataclass(frozen=True)
class Sides:
    """What conditions say of tables, by their names in the query.

    >>> import sqlglot
    >>> condition = sqlglot.parse_one("a.at >= s.as_of and b.at < s.as_of and c.at < a.at", dialect="duckdb")
    >>> Sides.of([condition], lambda column: column.name == "as_of")
    Sides(after=frozenset({'a'}), before=frozenset({'b'}))

    Attributes:
        after: tables with rows at or after the examples' time.
        before: tables that have only rows before it, or at it.
    """

    after: frozenset[str]
    before: frozenset[str]

    @classmethod
    def of(cls, conditions: Iterable[exp.Expression], is_time: IsTime) -> "Sides":
        """What several conditions say together, all of which hold."""
        return cls._all([cls._of(condition, is_time) for condition in conditions])

    @classmethod
    def _of(cls, condition: exp.Expression, is_time: IsTime, is_denied: bool = False) -> "Sides":
        bare = condition.unnest()
        if isinstance(bare, exp.Not):
            return cls._of(bare.this, is_time, not is_denied)
        if isinstance(bare, exp.And | exp.Or):
            parts = [cls._of(part, is_time, is_denied) for part in bare.flatten()]
            return cls._all(parts) if isinstance(bare, exp.And) != is_denied else cls._any(parts)
        pairs = [(later, earlier) if is_denied else (earlier, later) for earlier, later in _ordered(bare)]
        return cls._all([cls._of_pair(earlier, later, is_time) for earlier, later in pairs])

    @classmethod
    def _all(cls, parts: list["Sides"]) -> "Sides":
        return cls(frozenset().union(*(part.after for part in parts)), frozenset().union(*(part.before for part in parts)))

    @classmethod
    def _any(cls, parts: list["Sides"]) -> "Sides":
        return cls(frozenset().union(*(part.after for part in parts)), frozenset.intersection(*(part.before for part in parts)))

    @classmethod
    def _of_pair(cls, earlier: exp.Expression, later: exp.Expression, is_time: IsTime) -> "Sides":
        is_from_time = _is_time(earlier, is_time) and not earlier.find(*_EARLIER_SUMS)
        after = _tables(later, is_time) if is_from_time else frozenset()
        reached = _tables(earlier, is_time) if _is_time(later, is_time) else frozenset()
        return cls(after | reached, frozenset()) if later.find(*_LATER_SUMS) else cls(after, reached)

    @property
    def later(self) -> frozenset[str]:
        """Tables with rows at or after the time that no condition keeps before it."""
        return self.after - self.before


def conditions(select: exp.Select) -> Iterator[exp.Expression]:
    """What must hold for a row of a select: its WHERE, HAVING and QUALIFY, and its joins' conditions.

    >>> import sqlglot
    >>> select = sqlglot.parse_one("select * from a join b on a.id = b.id where a.x > 1", dialect="duckdb")
    >>> [condition.sql() for condition in conditions(select)], [condition.sql() for condition in filters(select)]
    (['a.x > 1', 'a.id = b.id'], ['a.x > 1'])
    """
    yield from filters(select)
    yield from (join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on"))


def filters(select: exp.Select) -> Iterator[exp.Expression]:
    """WHERE, HAVING and QUALIFY: what also takes away rows that a join only left without a partner."""
    yield from (select.args[name].this for name in ("where", "having", "qualify") if select.args.get(name))


def compared(expressions: Iterable[exp.Expression], is_time: IsTime) -> set[str]:
    """Tables whose columns some comparison bounds, in whatever way: all but equality of something else than the time.

    >>> import sqlglot
    >>> condition = sqlglot.parse_one("a.x > 1 and b.id = c.id and d.at = s.as_of", dialect="duckdb")
    >>> sorted(compared([condition], lambda column: column.name == "as_of"))
    ['a', 'd', 's']
    """
    found = set()
    for expression in expressions:
        for one in expression.find_all(*INEQUALITIES, exp.Between, exp.EQ):
            columns = list(one.find_all(exp.Column))
            if not isinstance(one, exp.EQ) or any(is_time(column) for column in columns):
                found |= {column.table for column in columns}
    return found


def _ordered(condition: exp.Expression) -> list[tuple[exp.Expression, exp.Expression]]:
    """What a comparison says of time: (the earlier side, the later side)."""
    if isinstance(condition, exp.Between):
        low, high = condition.args["low"], condition.args["high"]
        return [_moved(low, condition.this), _moved(condition.this, high)]
    if isinstance(condition, exp.EQ):
        return [_moved(condition.left, condition.right), _moved(condition.right, condition.left)]
    if type(condition) not in INEQUALITIES:
        return []
    left, right = condition.left, condition.right
    return [_moved(left, right) if INEQUALITIES[type(condition)] else _moved(right, left)]


def _moved(earlier: exp.Expression, later: exp.Expression) -> tuple[exp.Expression, exp.Expression]:
    """`end - start >= length` as `end >= start + length`, and the other way round."""
    if (ends := _difference(later)) and not earlier.find(exp.Column):
        return _plus(ends[1], earlier), ends[0]
    if (ends := _difference(earlier)) and not later.find(exp.Column):
        return ends[0], _plus(ends[1], later)
    return earlier, later


def _difference(side: exp.Expression) -> tuple[exp.Expression, exp.Expression] | None:
    """(end, start) of an expression that is the time between two columns."""
    bare = side.unnest()
    if isinstance(bare, exp.Anonymous) and bare.name.lower() in ("date_sub", "datesub") and len(bare.expressions) == 3:
        return bare.expressions[2], bare.expressions[1]
    ends = (bare.this, bare.expression) if isinstance(bare, exp.DateDiff | exp.Sub) else ()
    return ends if ends and all(end.find(exp.Column) for end in ends) else None


def _plus(start: exp.Expression, length: exp.Expression) -> exp.Expression:
    literal = length.find(exp.Literal)
    if literal is None or literal.name.lstrip("0. ") == "":
        return start
    kind = exp.Sub if length.find(exp.Neg) else exp.Add
    return kind(this=start.copy(), expression=length.copy())


def _is_time(side: exp.Expression, is_time: IsTime) -> bool:
    columns = list(side.find_all(exp.Column))
    return bool(columns) and not side.find(exp.Query) and all(is_time(column) for column in columns)


def _tables(side: exp.Expression, is_time: IsTime) -> frozenset[str]:
    return frozenset(column.table for column in side.find_all(exp.Column) if not is_time(column))
