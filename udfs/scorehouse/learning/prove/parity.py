"""Proof that the estimator, the formula and its SQL give the same score, on real rows and on hostile ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from scorehouse.learning.declare.examples import Feature
from scorehouse.learning.declare.fitted import RefusedRowsError
from scorehouse.learning.train.matrix import LARGEST_FLOAT32
from scorehouse.scoring import columns, loaded, udf
from scorehouse.scoring.columns import NUMERIC, Column
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.scorer import Scorer
from scorehouse.scoring.steps import Bins, Largest, Nearest, Operation, SquaredDistance, Trees

TOLERANCE = 1e-9
FLOAT32_TOLERANCE = 1e-6
REAL_ROWS = 5_000
FAR_AWAY = 1e8
"""Beyond this a squared distance has no digits left for the difference between two clusters."""
ROUNDING = 1e-14
"""Relative rounding of a log-likelihood, a sum over the features."""
CERTAIN = 40.0
"""A lead in log-likelihood that leaves the others less than 1e-17."""
TIES = 200

LARGEST_EXTREME = 1e300
HOSTILE_NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e15, -1e15, LARGEST_EXTREME, -LARGEST_EXTREME, np.inf, -np.inf)
HOSTILE_CATEGORIES = ("", "never seen", "it's", 'a "b"', "é世", " ")
HOSTILE_WHOLE_NUMBERS = ("-1", "0", "1", "4294967296")
"""What a category can be whose column holds whole numbers."""

LONGEST_REFUSAL = 200
REAL, ESTIMATOR = "real", "estimator"

Score = Callable[[dict[str, Column]], np.ndarray]


@dataclass(frozen=True, eq=False)
class Check:
    """One comparison: on which rows, of which path with the formula, and how far apart they are at most.

    Attributes:
        refused_count: how many of the rows the path refuses.
        scored_count: how many of those the formula scores all the same.
        unscored_count: how many of the rows the path gives no score, refused ones too.
        refusal: the path's words for one row that it refuses, if there are some for one that the formula scores.
    """

    rows_of: str
    path: str
    row_count: int
    largest_difference: float
    tolerance: float
    refused_count: int = 0
    scored_count: int = 0
    refusal: str | None = None
    unscored_count: int = 0

    @property
    def has_passed(self) -> bool:
        """True when the difference is within the tolerance, on one real row at least: a proof over no rows is none."""
        return self.largest_difference <= self.tolerance and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """True when there are real rows and the estimator scores none of them."""
        return self.rows_of == REAL and self.path == ESTIMATOR and 0 < self.row_count == self.unscored_count

    def row(self) -> dict[str, object]:
        """The check as a row of `version.PARITY`."""
        kept = {name: value for name, value in self.__dict__.items() if name not in ("refusal", "scored_count", "unscored_count")}
        return {**kept, "has_passed": self.has_passed}


@dataclass(eq=False)
class Answer:
    """What a path says of some rows.

    Attributes:
        scores: float64 [rows] or [rows, parts]; NaN for a row that it refuses.
        refused: bool [rows], those that it gives no score for.
        refusals: its words for each of them, by place.
        is_silence: whether a refused row says nothing, instead of that it has no score.
    """

    scores: np.ndarray
    refused: np.ndarray
    refusals: dict[int, str] = field(default_factory=dict)
    is_silence: bool = False

    @classmethod
    def whole(cls, scores: np.ndarray) -> "Answer":
        """Scores of all rows."""
        return cls(scores, np.zeros(len(scores), bool))


def checks(
    scorer: Scorer,
    sql_expression: str | None,
    estimator: Score | None,
    features: tuple[Feature, ...],
    real: dict[str, Column],
    tolerance: float = TOLERANCE,
    is_brought: bool = False,
) -> list[Check]:
    """Compare the ways to score on real rows, NULLs, unseen categories, threshold ties, extremes, one row, zero rows.

    A row that the library of a brought model refuses has no score, whatever the reason. Of an estimator that was trained here
    such rows are left out: what stands for NULL is declared, and SQL's own arithmetic answers for numbers beyond its own.

    Args:
        scorer: loaded from the weights rows.
        sql_expression: the score in SQL, if there is any.
        estimator: the fitted estimator's own scores; None for a model that is its own definition, as a scorecard.
        features: the inputs.
        real: examples, by feature.
        tolerance: largest difference allowed, absolute below 1 and relative above.
        is_brought: whether the model was fitted elsewhere.
    """
    sets = row_sets(scorer, features, real)
    everything = _stacked(list(sets.values()))
    reference = scorer.score(everything)
    answers = {"udf": Answer.whole(run_function(scorer, everything, features))}
    if estimator is not None:
        answers[ESTIMATOR] = _of_estimator(estimator, everything, reference, is_brought)
    if sql_expression is not None:
        answers["sql"] = Answer.whole(run_sql(sql_expression, everything, features))
    is_tied = tied(scorer.formula, everything)
    ends = np.cumsum([_count(rows) for rows in sets.values()]).tolist()
    slices = [slice(end - _count(rows), end) for rows, end in zip(sets.values(), ends, strict=True)]
    return [
        _compared(name, path, reference[chosen], answers[path], chosen, is_tied[chosen], tolerance)
        for name, chosen in zip(sets, slices, strict=True)
        for path in sorted(answers)
    ]


def _compared(
    rows_of: str, path: str, reference: np.ndarray, answer: Answer, chosen: slice, is_tied: np.ndarray, tolerance: float
) -> Check:
    """One path against the formula's scores `reference` of the rows `chosen`; ties are left out."""
    scores, refused = answer.scores[chosen], answer.refused[chosen]
    counted = refused & (not answer.is_silence)
    is_same_shape = scores.shape == reference.shape
    kept = np.where(refused, counted, ~is_tied)
    apart = difference(reference[kept], scores[kept]) if is_same_shape else float("inf")
    scored = counted & ~_have_none(reference)
    told = np.flatnonzero(scored if scored.any() else refused)
    words = answer.refusals[chosen.start + int(told[0])] if len(told) else None
    counts = int(refused.sum()), int(scored.sum())
    return Check(rows_of, path, len(refused), apart, tolerance, *counts, words, int((refused | _have_none(scores)).sum()))


def _have_none(scores: np.ndarray) -> np.ndarray:
    """Rows without any score: bool [rows]."""
    return np.isnan(scores).all(axis=tuple(range(1, scores.ndim)))


def tied(formula: Formula, rows: dict[str, Column]) -> np.ndarray:
    """Rows between two choices that differ by rounding alone, where no way to score is wrong: bool [rows]."""
    found = np.zeros(_count(rows), bool)
    for operation in formula.operations:
        is_choice = isinstance(operation, Largest | Nearest)
        if is_choice or _compares_densities(operation, formula):
            made = formula.columns(rows, operation)
            compared = [made[name] for name in operation.inputs]
            with np.errstate(all="ignore"):
                found |= _tied_choice(operation, compared) if is_choice else _tied_densities(compared)
    return found


def _compares_densities(operation: Operation, formula: Formula) -> bool:
    names = operation.inputs
    return len(names) > 1 and all(isinstance(formula.producer(name), SquaredDistance) for name in names)


def _tied_densities(densities: list[np.ndarray]) -> np.ndarray:
    rounding = ROUNDING * np.max(np.abs(densities), axis=0)
    return (rounding > TOLERANCE) & ~(_lead(np.vstack(densities)) > CERTAIN + rounding)


def _tied_choice(choice: Largest | Nearest, made: list[np.ndarray]) -> np.ndarray:
    values, size = _closeness(choice, made)
    return ~(_lead(values) > TOLERANCE * np.maximum(1.0, size)) | ~(size < FAR_AWAY)


def _lead(values: np.ndarray) -> np.ndarray:
    """How far the largest of several values [choices, rows] is ahead of the second; of one, infinitely."""
    second, first = np.sort(values, axis=0)[-2:] if len(values) > 1 else (-np.inf, values[0])
    return first - second


def _closeness(choice: Largest | Nearest, made: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What a choice compares [choices, rows], and the size of the numbers that cancel in it [rows]."""
    if isinstance(choice, Largest):
        return np.vstack(made), np.abs(np.max(made, axis=0))
    coordinates = choice.coordinates(made)
    return -np.square(choice.distances(coordinates)), np.sum(np.square(coordinates), axis=0)


def _count(rows: dict[str, Column]) -> int:
    return len(next(iter(rows.values())))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative where the numbers are larger than 1; infinite where only one is a number.

    >>> difference(np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    0.0
    >>> difference(np.array([np.nan]), np.array([1.0]))
    inf
    """
    if one.shape != other.shape:
        return float("inf")
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(all="ignore"):
        apart = np.abs(one - other) / np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
    return float(np.max(np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart)), initial=0.0))


def _of_estimator(estimator: Score, rows: dict[str, Column], reference: np.ndarray, is_brought: bool) -> Answer:
    """The estimator's scores, and which rows it refuses; see `checks` for what that says."""
    refused, refusals = np.ones(len(reference), bool), {}
    numbers = [np.abs(values) for values in rows.values() if isinstance(values, np.ndarray)]
    is_infinite = np.logical_or.reduce([np.isinf(values) for values in numbers] or [np.zeros(len(refused), bool)])
    is_large = np.logical_or.reduce([values > LARGEST_FLOAT32 for values in numbers] or [is_infinite]) & ~is_infinite
    found: dict[int, np.ndarray] = {}
    with threadpool_limits(1), np.errstate(all="ignore"):
        for group, is_halved in ((~is_large & ~is_infinite, True), (is_large, False), (is_infinite, False)):
            for places, scores in _taken(estimator, rows, np.flatnonzero(group), is_halved, refusals):
                shaped = _shaped(scores, reference[places])
                found |= dict(zip(places.tolist(), shaped, strict=True))
                refused[places] = False
    blank = np.full(next((np.shape(score) for score in found.values()), reference.shape[1:]), np.nan)
    scores = np.array([found.get(place, blank) for place in range(len(refused))])
    return Answer(scores, refused, refusals, is_silence=not is_brought)


def _taken(
    estimator: Score, rows: dict[str, Column], places: np.ndarray, is_halved: bool, refusals: dict[int, str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places with their scores, cut in halves or in rows until the estimator takes them; a row that it refuses is left out.

    Args:
        refusals: the words of refusals are added to it.
    """
    if not len(places):
        return
    try:
        found = estimator({name: _take(values, places) for name, values in rows.items()})
    except (ValueError, IndexError) as error:
        refusals |= dict.fromkeys(places.tolist(), " ".join(str(error).split())[:LONGEST_REFUSAL])
        for part in _parts(places, error, is_halved):
            yield from _taken(estimator, rows, part, is_halved, refusals)
    else:
        yield places, found


def _parts(places: np.ndarray, error: Exception, is_halved: bool) -> list[np.ndarray]:
    """What to ask next of places that were refused together."""
    if isinstance(error, RefusedRowsError) and error.rows.any():
        return [places[~error.rows]]
    return np.array_split(places, 2 if is_halved else len(places)) if len(places) > 1 else []


def _shaped(scores: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """A clusterer gives the cluster alone; its distance is compared between formula and SQL only."""
    scores = np.asarray(scores, np.float64)
    if scores.ndim == 1 and reference.ndim == 2:
        return np.column_stack([scores, reference[:, 1:]])
    return scores


def run_sql(expression: str, rows: dict[str, Column], features: tuple[Feature, ...]) -> np.ndarray:
    """Scores of a SQL expression: float64 [rows], or [rows, parts]."""
    table = pa.table({feature.name: pa.array(rows[feature.name]) for feature in features})
    with duckdb.connect() as connection:
        return _selected(expression, table, connection)


def run_function(scorer: Scorer, rows: dict[str, Column], features: tuple[Feature, ...]) -> np.ndarray:
    """Scores of the compiled function, called by DuckDB: float64 [rows], or [rows, parts]."""
    table = pa.table({feature.name: pa.array(rows[feature.name], from_pandas=True) for feature in features})
    with loaded.held(scorer) as version, duckdb.connect() as connection:
        udf.register(connection)
        return _selected(udf.call_sql(scorer.formula, version), table, connection)


def _selected(expression: str, table: pa.Table, connection: duckdb.DuckDBPyConnection) -> np.ndarray:
    connection.register("parity_rows", table)
    score = connection.sql(f"select {expression} as score from parity_rows").to_arrow_table()["score"]
    if pa.types.is_struct(score.type):
        parts = score.combine_chunks().flatten() if score.num_chunks else [pa.array([], pa.float64()) for _ in score.type]
        return np.column_stack([columns.numeric(part) for part in parts])
    return columns.numeric(score)


# ---------------------------------------------------------------- rows


def row_sets(scorer: Scorer, features: tuple[Feature, ...], real: dict[str, Column]) -> dict[str, dict[str, Column]]:
    """The rows that ways to score are compared on, by name."""
    count = len(next(iter(real.values())))
    places = np.unique(np.linspace(0, count - 1, min(count, REAL_ROWS)).astype(np.int64)) if count else np.arange(0)
    sample = {name: _take(values, places) for name, values in real.items()}
    base = _base(sample) if count else _nulls(features, 1)
    return {
        REAL: sample,
        "null": _stacked([_nulls(features, 1), *(_with(base, feature, [None]) for feature in features)]),
        "unseen": _varied(base, features, _hostile_categories),
        "extreme": _varied(base, features, lambda f: HOSTILE_NUMBERS if f.kind == NUMERIC else ()),
        "tie": _ties(scorer, features, base),
        "one": base,
        "none": {name: values[:0] for name, values in base.items()},
    }


def _base(rows: dict[str, Column]) -> dict[str, Column]:
    """The first row that lacks least, to be varied: one that is refused as it is would prove nothing of what is varied."""
    lacking = [~np.isfinite(v) if isinstance(v, np.ndarray) else v.is_null().to_numpy(False) for v in rows.values()]
    place = int(np.sum(lacking, axis=0).argmin())
    return {name: values[place : place + 1] for name, values in rows.items()}


def _hostile_categories(feature: Feature) -> tuple[str | None, ...]:
    """Categories that a column of the feature's type can hold."""
    if feature.kind == NUMERIC:
        return ()
    if feature.type == "VARCHAR":
        return HOSTILE_CATEGORIES
    return ("true", "false") if feature.type == "BOOLEAN" else HOSTILE_WHOLE_NUMBERS


def _ties(scorer: Scorer, features: tuple[Feature, ...], base: dict[str, Column]) -> dict[str, Column]:
    """Values exactly on, just below and just above the thresholds of trees and bins over raw features."""
    by_feature: dict[str, list[float]] = {}
    for operation in scorer.formula.operations:
        if isinstance(operation, Bins):
            by_feature.setdefault(operation.inputs[0], []).extend(operation.edges[:TIES])
        if isinstance(operation, Trees):
            for ensemble in operation.ensembles:
                for node in np.flatnonzero((ensemble.feature >= 0) & ~ensemble.is_categorical)[:TIES]:
                    by_feature.setdefault(operation.inputs[ensemble.feature[node]], []).append(ensemble.threshold[node])
    around = {
        name: [
            near
            for value in values
            if abs(value) <= LARGEST_EXTREME
            for near in (value, np.nextafter(value, -np.inf), np.nextafter(value, np.inf))
        ]
        for name, values in by_feature.items()
    }  # beyond the largest extreme a sum is infinite in one order of its terms and a number in another
    return _varied(base, features, lambda feature: around.get(feature.name, ()) if feature.kind == NUMERIC else ())


def _varied(base: dict[str, Column], features: tuple[Feature, ...], values: Callable) -> dict[str, Column]:
    """The base row with one feature at a time set to each of its values."""
    return _stacked([base, *(_with(base, feature, list(values(feature))) for feature in features)])


def _with(base: dict[str, Column], feature: Feature, values: list) -> dict[str, Column]:
    rows = {name: _take(column, np.zeros(len(values), np.int64)) for name, column in base.items()}
    if feature.kind == NUMERIC:
        return {**rows, feature.name: np.array([np.nan if value is None else value for value in values], np.float64)}
    return {**rows, feature.name: pa.array(values, pa.string())}


def _nulls(features: tuple[Feature, ...], count: int) -> dict[str, Column]:
    return {f.name: np.full(count, np.nan) if f.kind == NUMERIC else pa.nulls(count, pa.string()) for f in features}


def _take(values: Column, places: np.ndarray) -> Column:
    return values[places] if isinstance(values, np.ndarray) else values.take(pa.array(places))


def _stacked(parts: list[dict[str, Column]]) -> dict[str, Column]:
    return {
        name: np.concatenate([part[name] for part in parts])
        if isinstance(parts[0][name], np.ndarray)
        else pa.concat_arrays([part[name] for part in parts])
        for name in parts[0]
    }
