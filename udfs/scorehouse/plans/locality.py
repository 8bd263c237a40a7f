"""Whether a query computes each partition from that partition alone, so that it does not matter which are built together."""

from collections.abc import Mapping
from dataclasses import dataclass

from scorehouse.names.partitioning import GRAINS, Partitioning
from scorehouse.plans.operators import JOINS, PASSING, SETS, Expression, Operator, name_of, place


class AcrossPartitionsError(Exception):
    """A query that looks across partitions.

    Attributes:
        found: what looks across them.
        word: what it begins with in the query; empty where no single word does.
        instead: what to do.
    """

    def __init__(self, found: str, word: str, instead: str) -> None:
        super().__init__(f"{found}; {instead}")
        self.found, self.word, self.instead = found, word, instead


@dataclass(frozen=True)
class Rows:
    """Rows of an operator.

    Attributes:
        is_cut: whether they come from partitioned inputs; other rows are there whole for every partition.
        pinned: for rows that are cut, the places of the columns that say in which partition a row lies.
    """

    is_cut: bool = False
    pinned: frozenset[int] = frozenset()


WHOLE = Rows()

WITHIN_A_DAY = frozenset("hour minute second millisecond milliseconds microsecond microseconds".split())
"""Units of `date_trunc` that lie within every partition."""

_CORRELATED = frozenset({"COMPARE_NOT_DISTINCT_FROM"})
"""What a correlated subquery becomes: rows without a time are a partition too."""

_SAME = _CORRELATED | {"COMPARE_EQUAL"}
"""Comparisons that hold only within a partition."""


def expect_local(plan: Operator, partitioning: Partitioning, inputs: Mapping[str, str]) -> None:
    """Refuse a query whose rows in one partition could depend on rows in another.

    Args:
        plan: of the query, its first column the one that its own rows are cut by.
        partitioning: of the query's own rows.
        inputs: by relation (schema.name) that is read by partitions, the column that it is cut by.

    Raises AcrossPartitionsError.
    """
    rows = _Locality(partitioning.grain, inputs).of(plan)
    if not rows.is_cut or 0 not in rows.pinned:
        columns = " or ".join(sorted(set(inputs.values())))
        raise AcrossPartitionsError(
            f"{partitioning.column} made of something else than {columns}, by which the input is cut",
            partitioning.column,
            "select that column as it is, or make the model a table",
        )


class _Locality:
    """One walk up a plan.

    Args:
        grain: how coarse the partitions are.
        inputs: relation -> the column that it is cut by.
    """

    def __init__(self, grain: str, inputs: Mapping[str, str]) -> None:
        self._finer = {*WITHIN_A_DAY, *GRAINS[: GRAINS.index(grain) + 1]} if grain in GRAINS else set()
        self._inputs = inputs
        self._shared: dict[int, Rows] = {}

    def of(self, operator: Operator) -> Rows:
        """What an operator's rows are."""
        kind, below = operator.kind, operator.below
        if kind == "LOGICAL_GET":
            return self._scan(operator)
        if kind == "LOGICAL_MATERIALIZED_CTE":
            self._shared[operator.said["table_index"]] = self.of(below[0])
            return self.of(below[1])
        if kind == "LOGICAL_CTE_REF":
            return self._shared.get(operator.said["cte_index"], WHOLE)
        found = [self.of(one) for one in below]
        if not any(rows.is_cut for rows in found):
            return WHOLE
        if kind == "LOGICAL_PROJECTION":
            return Rows(True, frozenset(p for p, e in enumerate(operator.expressions) if self._pins(e, found[0])))
        if kind in PASSING:
            return self._passing(operator, found[0])
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            return self._grouped(operator, found[0])
        if kind == "LOGICAL_WINDOW":
            for window in operator.expressions:
                if not any(self._pins(key, found[0]) for key in window.get("partitions", [])):
                    raise self._across(
                        f"{_called(window)}() over rows of all partitions", _called(window), "add {} to its partition by"
                    )
            return found[0]
        if kind == "LOGICAL_UNNEST":
            return found[0]
        if kind in JOINS or kind == "LOGICAL_CROSS_PRODUCT":
            return self._joined(operator, *found)
        if kind in SETS:
            return self._stacked(operator, *found)
        word = kind.removeprefix("LOGICAL_").replace("_", " ").lower()
        raise self._across(f"{word} over all partitions", word, "take it out")

    def _scan(self, operator: Operator) -> Rows:
        rows = self.of(operator.below[0]) if operator.below else WHOLE
        if rows.is_cut:  # a table function over each of the rows below
            passed = enumerate(operator.beside, len(operator.columns))
            return Rows(True, frozenset(own for own, place in passed if place in rows.pinned))
        if operator.relation not in self._inputs:
            return WHOLE
        column = self._inputs[operator.relation].lower()
        pinned = (p for p, name in enumerate(operator.columns) if name and name.lower() == column)
        return Rows(True, frozenset(pinned))

    def _passing(self, operator: Operator, rows: Rows) -> Rows:
        if operator.kind == "LOGICAL_LIMIT":
            made = "limit, or an exists that compares no column outside it, over all partitions"
            raise self._across(made, "limit", "take it out")
        if operator.kind == "LOGICAL_DISTINCT" and not any(self._pins(e, rows) for e in operator.said["distinct_targets"]):
            raise self._across("distinct over all partitions", "distinct", "select {} among what is to be distinct")
        return Rows(True, frozenset(p for p, one in enumerate(operator.passed) if one in rows.pinned))

    def _grouped(self, operator: Operator, rows: Rows) -> Rows:
        sets = operator.said.get("grouping_sets") or [range(len(operator.groups))]
        pinned = frozenset(p for p, group in enumerate(operator.groups) if self._pins(group, rows))
        if not all(pinned & set(one) for one in sets):
            names = list(dict.fromkeys(map(name_of, operator.expressions)))
            if not names:
                made = "a group by, or a lateral join or correlated subquery, over rows of all partitions"
                raise self._across(made, "group by", "group by {0} too, or join on {0}")
            raise self._across(f"{', '.join(names)} over rows of all partitions", names[0], "group by {} too")
        return Rows(True, pinned)

    def _joined(self, operator: Operator, left: Rows, right: Rows) -> Rows:
        kind = "INNER" if operator.kind == "LOGICAL_CROSS_PRODUCT" else operator.said["join_type"]
        width = operator.below[0].width
        if left.is_cut and right.is_cut:
            if kind not in ("INNER", "LEFT", "SEMI", "ANTI", "MARK") or not self._meet_within(operator, left, right):
                raise self._across(
                    "a join of partitioned rows across their partitions", "join", "compare {} of both sides with ="
                )
            if kind in ("ANTI", "MARK", "LEFT", "SEMI"):
                right = Rows(True)
        elif (right.is_cut and kind != "INNER") or kind in ("RIGHT", "OUTER", "FULL"):
            raise self._across(
                f"a {kind.lower()} join that keeps rows which are in no partition", "join", "write an inner or left join"
            )
        here = left.pinned | {p + width for p in right.pinned}
        places = range(width + operator.below[1].width) if operator.kind == "LOGICAL_CROSS_PRODUCT" else operator.joined
        return Rows(True, frozenset(own for own, p in enumerate(places) if p in here))

    def _meet_within(self, operator: Operator, left: Rows, right: Rows) -> bool:
        """Whether a join's rows are of the same partition on both sides.

        What an `in (select ...)` compares does not count: one NULL among all the rows makes it NULL, whatever it compares with.
        """
        same = _CORRELATED if operator.said.get("join_type") == "MARK" else _SAME
        return any(
            c.get("comparison") in same and self._pins(c["left"], left) and self._pins(c["right"], right)
            for c in operator.said.get("conditions", ())
        )

    def _stacked(self, operator: Operator, *sides: Rows) -> Rows:
        if not all(rows.is_cut for rows in sides):
            raise self._across("a union with rows that are in no partition", "union", "take them out")
        pinned = frozenset.intersection(*(rows.pinned for rows in sides))
        if not pinned and not (operator.kind == "LOGICAL_UNION" and operator.said["setop_all"]):
            raise self._across("rows compared across partitions", "", "select {} on both sides")
        return Rows(True, pinned)

    def _pins(self, expression: Expression, rows: Rows) -> bool:
        """Whether an expression says in which partition a row lies: the column itself; of a time its day, or a finer cut too."""
        if place(expression) is not None:
            return place(expression) in rows.pinned
        if not self._finer:
            return False
        children = expression.get("children", [])
        if expression.get("type") == "OPERATOR_CAST" or name_of(expression) == "__cast":
            return expression["return_type"]["id"] in ("DATE", "TIMESTAMP") and self._pins(children[0], rows)
        if name_of(expression) == "date_trunc" and len(children) == 2:
            unit = children[0].get("value", {}).get("value")
            return unit in self._finer and self._pins(children[1], rows)
        return False

    def _across(self, found: str, word: str, instead: str) -> AcrossPartitionsError:
        columns = " or ".join(sorted(set(self._inputs.values())))
        return AcrossPartitionsError(found, word, f"{instead.format(columns)}, or make the model a table")


def _called(window: Expression) -> str:
    return name_of(window) or window["type"].removeprefix("WINDOW_").lower()
