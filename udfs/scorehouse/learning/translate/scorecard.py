"""Scorecards: points by bin or category, or a weight, written by hand in a seed.

One row is one rule:

| column | meaning |
|---|---|
| feature | the column it reads; NULL for points that every row gets |
| minimum, maximum | points where minimum <= value < maximum; NULL is open |
| category | points where the value is this text |
| is_missing | true: points where the value is NULL |
| points | what the rule adds |
| weight | instead of points: weight * value is added |

A value that no rule covers adds 0.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate.brought import format_of
from scorehouse.learning.translate.draft import Draft
from scorehouse.scoring.columns import CATEGORICAL, NUMERIC
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.steps import Bins, Function, Impute, Inputs, Lookup, Result

COLUMNS = ("feature", "minimum", "maximum", "category", "is_missing", "points", "weight")
Rule = Mapping[str, Any]


@format_of("scorehouse.scorecard")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A model whose rules are the select's own rows; it comes without rows to measure it on."""
    features = kinds(table, where)
    empty = pa.table({name: pa.array([], pa.float64() if k == NUMERIC else pa.string()) for name, k in features.items()})
    blank = Spec(spec.estimator, seed=spec.seed)
    return Fitted(formula(table, features, spec, where), "regression"), Examples.read(empty, blank, where)


def kinds(table: pa.Table, where: str) -> dict[str, str]:
    """The features of a scorecard with their kind: categorical where a rule names a category.

    Raises ScorehouseError when the table is not a scorecard.
    """
    if "feature" not in table.column_names or not {"points", "weight"} & set(table.column_names):
        raise ScorehouseError(
            f"{where}: expected a scorecard with the columns feature and points (or weight), "
            f"found {', '.join(table.column_names)}; see the README for all columns ({', '.join(COLUMNS)})."
        )
    found: dict[str, str] = {}
    for rule in _rules(table):
        if rule["feature"] is not None:
            kind = CATEGORICAL if rule["category"] is not None else found.get(rule["feature"], NUMERIC)
            found[rule["feature"]] = kind
    return dict(sorted(found.items()))


def formula(table: pa.Table, features: Mapping[str, str], spec: Spec, where: str) -> Formula:
    """The sum of the points; `parameters: {link: sigmoid}` makes a probability of it.

    Raises ScorehouseError for rules that contradict each other.
    """
    by_feature: dict[str | None, list[Rule]] = {}
    for rule in _rules(table):
        by_feature.setdefault(rule["feature"], []).append(rule)
    base = sum(_points(rule) for rule in by_feature.pop(None, []))
    draft = Draft()
    draft.add(Inputs.of(dict(features)))
    terms: dict[str, float] = {}
    for feature, kind in features.items():
        terms |= _feature(feature, kind, by_feature[feature], where, draft)
    (points,) = draft.linear(list(terms), ["points"], np.array(list(terms.values()), np.float64), base)
    draft.add(Result((_linked(points, spec, where, draft),), ("score",), ("DOUBLE",)))
    return Formula(tuple(draft.operations))


def _rules(table: pa.Table) -> list[Rule]:
    absent = dict.fromkeys(COLUMNS)
    return [absent | {name: row[name] for name in COLUMNS if name in row} for row in table.to_pylist()]


def _linked(points: str, spec: Spec, where: str, draft: Draft) -> str:
    link = spec.parameters.get("link", "none")
    if link == "none":
        return points
    if link != "sigmoid":
        raise ScorehouseError(f"{where}: meta.parameters.link: expected none or sigmoid, found '{link}'; choose one.")
    return draft.step(Function.of, points, "probability", formula="sigmoid")


def _feature(feature: str, kind: str, rules: list[Rule], where: str, draft: Draft) -> dict[str, float]:
    """Appends the operations of one feature; gives the columns they add to the sum with their coefficients."""
    weighted = [rule for rule in rules if rule.get("weight") is not None]
    pointed = [rule for rule in rules if rule.get("weight") is None]
    missing = sum(_points(rule) for rule in pointed if rule["is_missing"])
    terms: dict[str, float] = {}
    if weighted:
        filled = draft.step(Impute.of, feature, f"{feature} or 0", fill=0.0)
        terms[filled] = float(sum(rule["weight"] for rule in weighted))
    if pointed:
        output = draft.fresh(f"points of {feature}")
        make = _categories if kind == CATEGORICAL else _bins
        draft.add(make(feature, output, [rule for rule in pointed if not rule["is_missing"]], missing, where))
        terms[output] = 1.0
    return terms


def _categories(feature: str, output: str, rules: list[Rule], missing: float, where: str) -> Lookup:
    names = [rule["category"] for rule in rules]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated or None in names:
        found = f"'{repeated[0]}' twice" if repeated else "a rule without one"
        raise ScorehouseError(f"{where}: {feature}: expected each category once, found {found}; correct the scorecard.")
    table = np.array([*(_points(rule) for rule in rules), missing], np.float64)[:, None]
    return Lookup((feature,), (output,), (*names, None), table, np.zeros(1))


def _bins(feature: str, output: str, rules: list[Rule], missing: float, where: str) -> Bins:
    ordered = sorted(rules, key=_low)
    for before, after in pairwise(ordered):
        if _high(before) > _low(after):
            raise ScorehouseError(
                f"{where}: {feature}: expected bins that do not overlap, found {_low(before):g} to {_high(before):g} and "
                f"{_low(after):g} to {_high(after):g}; correct the scorecard."
            )
    edges: list[float] = []
    points: list[float] = [0.0]
    for rule in ordered:
        low, high = _low(rule), _high(rule)
        if edges and edges[-1] == low:
            points[-1] = _points(rule)
        else:
            edges.append(low)
            points.append(_points(rule))
        edges.append(high)
        points.append(0.0)
    return Bins((feature,), (output,), *_finite(edges, points), np.array([missing]))


def _finite(edges: list[float], points: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Bins without those that hold no number, below -infinity and from infinity on."""
    kept = [place for place, edge in enumerate(edges) if np.isfinite(edge)]
    first = 1 if edges and edges[0] == -np.inf else 0
    values = points[first : first + len(kept) + 1]
    return np.array([edges[place] for place in kept], np.float64), np.array(values, np.float64)[:, None]


def _low(rule: Rule) -> float:
    return -np.inf if rule["minimum"] is None else float(rule["minimum"])


def _high(rule: Rule) -> float:
    return np.inf if rule["maximum"] is None else float(rule["maximum"])


def _points(rule: Rule) -> float:
    return float(rule["points"] or 0.0)
