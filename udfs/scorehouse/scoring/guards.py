"""Guards of a score, told from raw columns and as few as can be.

A guard is a column that is missing in a row that the model refuses, else 0. Every step of a model may have one for every column
that reaches it; most of them say the same of one raw column, or nothing.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scorehouse.scoring.simplify import earliest_bins
from scorehouse.scoring.steps import Bins, Indicate, Interpolate, Known, Linear, Lookup, Operation, Scale, Within

LARGEST_SUM = 1e300
"""A weighted sum that is only limited beyond this is not guarded: its terms are."""

Guard = Bins | Lookup


def guarded(known: Known, made: Mapping[str, Operation]) -> list[Operation]:
    """The same with one guard for each column; plain columns where nothing is left to guard.

    >>> from scorehouse.scoring.steps import Inputs
    >>> table, inputs = np.array([[0.0], [np.nan]]), Inputs.of({"x": "numeric"})
    >>> scale = Scale.of("x", "scaled", divisor=2.0)
    >>> one, other = (Bins((x,), (f"{x} taken",), np.array([5.0]), table, np.zeros(1)) for x in ("x", "scaled"))
    >>> makers = {"x": inputs, "scaled": scale, "x taken": one, "scaled taken": other}
    >>> merged, same = guarded(Known(("scaled", "x taken", "scaled taken"), ("score",)), makers)
    >>> merged.inputs, merged.low, merged.high, same.inputs
    (('x',), -inf, 4.999999999999999, ('scaled', 'x taken'))

    Args:
        made: the maker of every column so far.
    """
    merged: dict[object, Guard] = {}
    others: list[str] = []
    for name in known.guards:
        maker = made[name]
        if not isinstance(maker, Guard) or len(maker.outputs) > 1:
            others.append(name)
            continue
        guard = _earliest(maker, made)
        key = (guard.inputs, guard.categories if isinstance(guard, Lookup) else None)
        if not _takes_all(guard):
            merged[key] = _both(merged[key], guard) if key in merged else guard
    values, kept = known.inputs[: len(known.outputs)], [guard.outputs[0] for guard in merged.values()]
    if not kept and not others:
        return [Scale.of(value, output) for value, output in zip(values, known.outputs, strict=True)]
    return [*map(_plain, merged.values()), replace(known, inputs=(*values, *kept, *others))]


def _plain(guard: Guard) -> Operation:
    """The guard, as an interval where it is one."""
    if isinstance(guard, Lookup):
        return guard
    low, high = np.array([-np.inf, *guard.edges]), np.array([*np.nextafter(guard.edges, -np.inf), np.inf])
    taken = np.flatnonzero(~np.isnan(guard.table[:, 0]))
    if len(taken) != 1:
        return guard
    low, high = float(low[taken[0]]), float(high[taken[0]])
    return Within.of(guard.inputs[0], guard.outputs[0], low=low, high=high, takes_missing=float(not np.isnan(guard.missing[0])))


def _takes_all(guard: Guard) -> bool:
    rest = guard.unknown if isinstance(guard, Lookup) else guard.missing
    return bool(np.isfinite(guard.table).all() and np.isfinite(rest).all())


def _earliest(guard: Guard, made: Mapping[str, Operation]) -> Guard:
    """The guard of the column that its own column was told from, as far back as that goes."""
    while isinstance(guard, Bins):
        guard = earliest_bins(guard, made)
        before = _before(guard, made[guard.inputs[0]])
        if before is None:
            break
        guard = before
    return guard


def _before(guard: Bins, maker: Operation) -> Guard | None:
    """The guard of what a column of few or limited numbers was made of; None for any other column."""
    if isinstance(maker, Bins | Lookup):
        place = maker.outputs.index(guard.inputs[0])
        rest = maker.unknown if isinstance(maker, Lookup) else maker.missing
        table, otherwise = guard.apply([maker.table[:, place]])[0][:, None], guard.apply([rest[[place]]])[0]
        if isinstance(maker, Lookup):
            return Lookup(maker.inputs, guard.outputs, maker.categories, table, otherwise)
        return replace(guard, inputs=maker.inputs, edges=maker.edges, table=table, missing=otherwise)
    limited = {Interpolate: lambda: maker.y, Indicate: lambda: np.array([0.0, 1.0])}.get(type(maker))
    if limited and not np.isnan(guard.apply([limited()])[0]).any():
        missing = np.zeros(1) if isinstance(maker, Indicate) else guard.missing
        return replace(guard, inputs=maker.inputs, edges=np.zeros(0), table=np.zeros((1, 1)), missing=missing)
    if isinstance(maker, Linear) and (np.abs(guard.edges) > LARGEST_SUM).all():
        return replace(guard, inputs=maker.inputs[:1], edges=np.zeros(0), table=np.zeros((1, 1)), missing=np.zeros(1))
    return None


def _both(one: Guard, other: Guard) -> Guard:
    """The guard that is missing where one of two guards of a column is."""
    if isinstance(one, Lookup):
        return replace(one, table=one.table + other.table, unknown=one.unknown + other.unknown)
    edges = np.unique(np.concatenate([one.edges, other.edges]))
    table = np.add(*(guard.apply([np.array([-np.inf, *edges])])[0] for guard in (one, other)))
    is_new = np.isnan(table[1:]) != np.isnan(table[:-1])
    kept = np.concatenate([[True], is_new])
    return replace(one, edges=edges[is_new], table=table[kept, None], missing=one.missing + other.missing)
