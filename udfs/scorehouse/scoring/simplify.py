"""Algebra on formulas: what comes before a weighted sum is folded into its weights.

Scaling becomes part of the coefficients, imputing part of the sum, one-hot and bins become tables of points, a weighted
sum of weighted sums becomes one; bins read what came before scaling, logarithm and imputing. The value stays the same but
for rounding; the SQL becomes short and quick, and every raw feature's share of the sum becomes visible, which is what
reasons are made of.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from scorehouse.scoring.formula import Formula
from scorehouse.scoring.steps import Bins, Function, Impute, Linear, Lookup, Nearest, Operation, Power, Scale, Trees
from scorehouse.scoring.trees.ensemble import TreeEnsemble, joined

LARGEST_MOVED_OFFSET = 1e3
"""coefficient * offset moves into the intercept, or into a centre, below this: the rounding that it costs stays below 1e-12."""


def simplify(formula: Formula) -> Formula:
    """The same formula with less to compute.

    Here 3 * (x - 2) / 2 + 1 becomes 1.5 * x - 2, and the imputing a part of it:

    >>> from scorehouse.scoring.steps import Inputs, Result
    >>> before = Impute.of("x", "filled", fill=4.0), Scale.of("filled", "scaled", offset=2.0, divisor=2.0)
    >>> ends = Inputs.of({"x": "numeric"}), Result(("score",), ("score",), ("DOUBLE",))
    >>> simple = simplify(Formula((ends[0], *before, Linear.of(["scaled"], ["score"], [[3.0]], [1.0]), ends[1])))
    >>> [operation.name for operation in simple.operations]
    ['inputs', 'linear', 'result']
    >>> linear = simple.operations[1]
    >>> linear.coefficients, linear.intercepts, linear.fills
    (array([[1.5]]), array([-2.]), array([4.]))
    """
    operations: list[Operation] = []
    used = Counter(name for operation in formula.operations for name in operation.inputs)
    names = {name for operation in formula.operations for name in operation.outputs}
    for operation in formula.operations:
        made = {name: earlier for earlier in operations for name in earlier.outputs}
        if isinstance(operation, Linear):
            operations.extend(_Fold(operation, made, used, names).result())
        elif isinstance(operation, Nearest):
            operations.append(_nearest(operation, made, used))
        elif isinstance(operation, Bins):
            operations.append(earliest_bins(operation, made))
        else:
            operations.append(operation)
    return Formula(tuple(needed(operations)))


def needed(operations: list[Operation]) -> Iterable[Operation]:
    """Operations whose columns are used, with the first and the last one; the last maker of a column before its earlier ones."""
    wanted: set[str] = set()
    kept = []
    for operation in reversed(operations):
        is_end = not operation.outputs or operation in (operations[0], operations[-1])
        if is_end or wanted & set(operation.outputs):
            kept.append(operation)
            wanted -= set(operation.outputs)
            wanted |= set(operation.inputs)
    return reversed(kept)


@dataclass(frozen=True)
class _Term:
    """coefficients * (x - offset) with x = fill where missing: one input of a sum. coefficients: float64 [outputs]."""

    name: str
    coefficients: np.ndarray
    offset: float
    fill: float


@dataclass
class _Fold:
    """One weighted sum, with what is made only for it folded in."""

    linear: Linear
    made: dict[str, Operation]
    used: Counter
    names: set[str]
    intercepts: np.ndarray = field(init=False)
    terms: list[_Term] = field(default_factory=list)
    tables: list[Operation] = field(default_factory=list)

    def result(self) -> list[Operation]:
        """The operations that take the sum's place."""
        linear = self.linear
        self.intercepts = linear.intercepts.copy()
        waiting = [
            _Term(name, linear.coefficients[:, i], linear.offsets[i], linear.fills[i]) for i, name in enumerate(linear.inputs)
        ]
        while waiting:
            waiting = [new for group in self._groups(waiting) for new in self._folded(group)]
        if all(isinstance(self.made.get(term.name), Trees) and self.used[term.name] == 1 for term in self.terms):
            return [self._ensemble()]
        return [*self.tables, self._collected()]

    def _ensemble(self) -> Trees:
        """A weighted sum of sums of trees as one sum of trees."""
        inputs = tuple(dict.fromkeys(name for term in self.terms for name in self.made[term.name].inputs))
        parts = [self._part(term, inputs) for term in self.terms]
        baselines = self.intercepts + np.add.reduce(
            [term.coefficients * (part.baseline - term.offset) for term, part in zip(self.terms, parts, strict=True)]
        )
        ensembles = [
            joined([part.weighted(term.coefficients[o]) for term, part in zip(self.terms, parts, strict=True)], b)
            for o, b in enumerate(baselines)
        ]
        return Trees(inputs, self.linear.outputs, tuple(ensembles))

    def _part(self, term: _Term, inputs: tuple[str, ...]) -> TreeEnsemble:
        """The ensemble behind a term, its features counted among `inputs`."""
        maker = self.made[term.name]
        ensemble = maker.ensembles[maker.outputs.index(term.name)]
        moved = np.array([*(inputs.index(name) for name in maker.inputs), -1], np.int32)
        return replace(ensemble, feature=moved[ensemble.feature])

    def _groups(self, terms: list[_Term]) -> list[list[_Term]]:
        """Terms that one operation makes, together."""
        groups: dict[int, list[_Term]] = {}
        for term in terms:
            groups.setdefault(id(self.made[term.name]), []).append(term)
        return list(groups.values())

    def _folded(self, terms: list[_Term]) -> list[_Term]:
        """What is left to fold of terms that one operation makes; finished terms are put aside."""
        maker = self.made[terms[0].name]
        is_own = [term.name for term in terms] == list(maker.outputs) and all(self.used[name] == 1 for name in maker.outputs)
        plain = all(np.isnan(term.fill) for term in terms)
        folds = {Scale: self._scale, Impute: self._impute, Function: self._function, Linear: self._linear}
        fold = folds.get(type(maker))
        if isinstance(maker, Lookup | Bins) and is_own and plain and _is_finite(maker):
            fold = self._table
        if fold is None or not is_own or not plain:
            self.terms.extend(terms)
            return []
        return fold(maker, terms)

    def _scale(self, maker: Scale, terms: list[_Term]) -> list[_Term]:
        (term,) = terms
        self.intercepts += term.coefficients * (maker.shift - term.offset)
        return [_Term(maker.inputs[0], term.coefficients * maker.factor / maker.divisor, maker.offset, term.fill)]

    def _impute(self, maker: Impute, terms: list[_Term]) -> list[_Term]:
        (term,) = terms
        self.terms.append(replace(term, name=maker.inputs[0], fill=maker.fill))
        return []

    def _function(self, maker: Function, terms: list[_Term]) -> list[_Term]:
        """f(x filled) = f(x) filled with f(fill), if f gives a number for every number."""
        (term,) = terms
        before = self.made[maker.inputs[0]]
        if maker.is_total and isinstance(before, Impute) and self.used[maker.inputs[0]] == 1:
            self.tables.append(Function.of(before.inputs[0], term.name, maker.formula))
            term = replace(term, fill=float(maker.apply([np.array([before.fill])])[0][0]))
        self.terms.append(term)
        return []

    def _linear(self, maker: Linear, terms: list[_Term]) -> list[_Term]:
        outer = np.column_stack([term.coefficients for term in terms])
        offsets = np.array([term.offset for term in terms])
        self.intercepts += outer @ (maker.intercepts - offsets)
        inner = outer @ maker.coefficients
        return [_Term(name, inner[:, i], maker.offsets[i], maker.fills[i]) for i, name in enumerate(maker.inputs)]

    def _table(self, maker: Lookup | Bins, terms: list[_Term]) -> list[_Term]:
        outer = np.column_stack([term.coefficients for term in terms])
        offsets = np.array([term.offset for term in terms])
        outputs = tuple(self._fresh(f"{maker.inputs[0]} in {output}") for output in self.linear.outputs)
        rest = {"unknown" if isinstance(maker, Lookup) else "missing"}
        tables = {
            name: np.add.reduce((getattr(maker, name) - offsets)[..., None, :] * outer, axis=-1) for name in ("table", *rest)
        }
        self.tables.append(replace(maker, outputs=outputs, **tables))
        self.terms.extend(_Term(name, unit, 0.0, np.nan) for name, unit in zip(outputs, np.eye(len(outputs)), strict=True))
        return []

    def _fresh(self, name: str) -> str:
        found = name
        while found in self.names:
            found += "'"
        self.names.add(found)
        return found

    def _collected(self) -> Linear:
        coefficients = np.column_stack([term.coefficients for term in self.terms])
        offsets = np.array([term.offset for term in self.terms])
        is_moved = np.abs(coefficients * offsets).max(axis=0, initial=0) <= LARGEST_MOVED_OFFSET
        self.intercepts -= coefficients @ np.where(is_moved, offsets, 0)
        return self.linear.changed(
            inputs=tuple(term.name for term in self.terms),
            coefficients=coefficients,
            intercepts=self.intercepts,
            offsets=np.where(is_moved, 0.0, offsets),
            fills=np.array([term.fill for term in self.terms]),
        )


def _nearest(nearest: Nearest, made: dict[str, Operation], used: Counter) -> Nearest:
    """Scaling and imputing that is made only for the nearest centre, folded into its coordinates."""
    names, factors, fills = list(nearest.inputs), nearest.factors.copy(), nearest.fills.copy()
    moved = np.zeros(len(names))
    for i, name in enumerate(names):
        maker = made[name]
        if isinstance(maker, Scale) and used[name] == 1 and np.isnan(fills[i]):
            factor = factors[i] * maker.factor / maker.divisor
            shift = factors[i] * maker.shift - factor * maker.offset
            if abs(shift) <= LARGEST_MOVED_OFFSET:
                names[i], factors[i], moved[i] = maker.inputs[0], factor, shift
                maker = made[names[i]]
        if isinstance(maker, Impute) and used[names[i]] == 1:
            names[i], fills[i] = maker.inputs[0], maker.fill
    return replace(nearest, inputs=tuple(names), centres=nearest.centres - moved, factors=factors, fills=fills)


def earliest_bins(bins: Bins, made: dict[str, Operation]) -> Bins:
    """Bins of a number before it was scaled, bent and imputed: their edges are exact there, and there is less to compute."""
    maker = made[bins.inputs[0]]
    while isinstance(maker, Impute) or _rises(maker):
        missing, edges = bins.missing, bins.edges
        if isinstance(maker, Impute):
            missing = bins.table[np.searchsorted(edges, maker.fill, side="right")]
        else:
            edges = edges[maker.apply([np.array([np.inf])])[0] >= edges]  # what no number reaches has no edge
            edges = _first_reaching(maker, edges)
        bins = replace(bins, inputs=maker.inputs, edges=edges, table=bins.table[: len(edges) + 1], missing=missing)
        maker = made[bins.inputs[0]]
    return bins


def _rises(maker: Operation) -> bool:
    """True for a function that takes every number and never falls."""
    is_total = isinstance(maker, Power) or (isinstance(maker, Function) and maker.is_total)
    return (is_total and maker.direction == 1) or (isinstance(maker, Scale) and maker.factor / maker.divisor > 0)


def _first_reaching(maker: Operation, values: np.ndarray) -> np.ndarray:
    """The smallest numbers that a rising function takes to each of `values` or above, by halving all doubles."""
    low, high = (np.full(len(values), _place(end)) for end in (-np.inf, np.inf))
    with np.errstate(all="ignore"):
        while (low < high).any():
            middle = (low >> 1) + (high >> 1) + (low & high & 1)
            is_reached = maker.apply([_at(middle)])[0] >= values
            low, high = np.where(is_reached, low, np.minimum(middle + 1, high)), np.where(is_reached, middle, high)
    return _at(high)


def _place(value: float) -> np.int64:
    """The place of a double among all doubles in their order."""
    bits = np.float64(value).view(np.int64)
    return bits if bits >= 0 else np.int64(np.iinfo(np.int64).min) - bits


def _at(places: np.ndarray) -> np.ndarray:
    """The doubles at places."""
    return np.where(places >= 0, places, np.iinfo(np.int64).min - places).view(np.float64)


def _is_finite(maker: Lookup | Bins) -> bool:
    rest = maker.unknown if isinstance(maker, Lookup) else maker.missing
    return bool(np.isfinite(maker.table).all() and np.isfinite(rest).all())
