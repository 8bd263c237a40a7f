"""Examples to train on, hostile rows to score, and every way to score them."""

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.testing import assert_allclose
from threadpoolctl import threadpool_limits

from scorehouse.learning import Spec, fit
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.train.estimators import declared_estimator
from scorehouse.learning.train.pipeline import Trained, train
from scorehouse.scoring import columns, loaded, sql_builders, udf
from scorehouse.scoring.scorer import load

WHERE = "models/churn__test.yml"
FEATURES = {"numeric": ["visits", "amount", "age_days", "is_member"], "categorical": ["plan"]}
NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e6, 1e15, -1e15, 1e300, -1e300, np.inf, -np.inf, np.nan)
FLOAT32 = 3e38
"""Estimators that calculate in float32 refuse what is larger."""
CATEGORIES = ("", " ", "never seen", "it's", 'a "b"', "é世", "line\nbreak", "back\\slash")


def customers(rows: int = 240, seed: int = 0, missing: float = 0.1) -> pa.Table:
    """Examples of each kind of label over numbers of each type and a category, about rows / 4 customers at four times."""
    random = np.random.default_rng(seed)
    visits = random.poisson(3, rows)
    amount = random.gamma(2.0, 20.0, rows).round(2)
    age = random.uniform(0, 700, rows)
    is_member = random.random(rows) < 0.4
    plan = random.choice(["basic", "plus", "it's"], rows, p=[0.5, 0.3, 0.2])
    drive = 0.4 * visits + 0.02 * amount - 0.004 * age + is_member + (plan == "plus") + random.normal(0, 1, rows)
    customer = np.arange(rows) % max(rows // 4, 1)
    month = np.datetime64("2024-01-01") + 30 * (np.arange(rows) // max(rows // 4, 1)).astype("timedelta64[D]")
    return pa.table(
        {
            "customer_id": customer,
            "as_of": pa.array(month.astype("datetime64[us]")),
            "visits": pa.array(visits, pa.int32()),
            "amount": pa.array(amount, mask=random.random(rows) < missing),
            "age_days": pa.array(age, mask=random.random(rows) < missing),
            "is_member": is_member,
            "plan": pa.array(plan, mask=random.random(rows) < missing),
            "is_churned": drive > np.median(drive),
            "tier": np.array(["gold", "silver", "it's"])[np.digitize(drive, np.quantile(drive, [0.3, 0.7]))],
            "spent": np.exp(drive / 3).round(4),
        }
    )


def declared(estimator: str, label: str | None = None, **more: object) -> dict[str, Any]:
    """The meta of a model over `customers` that trains on every row."""
    return {"estimator": estimator, "label": label, "key": ["customer_id", "as_of"], "features": FEATURES, **more}


def trained_alone(examples: pa.Table, meta: Mapping[str, Any]) -> Trained:
    """The fitted scikit-learn pipeline that `fit` translates, without its translation."""
    read = Examples.read(examples, Spec.read(WHERE, meta), WHERE)
    return train(declared_estimator(read.spec, read.where), read, np.ones(len(read), bool))


def hostile_rows(examples: pa.Table, row: pa.Table, numbers: tuple = NUMBERS) -> pa.Table:
    """Real rows, then the first row with one feature at a time missing, extreme, unseen, or on and beside a threshold."""
    features = row["features"][0].as_py()
    real = {f["name"]: _plain(examples[f["name"]], f["kind"]) for f in features}
    found = {name: list(values[:40]) for name, values in real.items()}
    thresholds = _thresholds(row)
    for feature in features:
        name = feature["name"]
        values = (*numbers, *thresholds.get(name, ())) if feature["kind"] == "numeric" else CATEGORIES
        for value in (None, *values):
            for other in found:
                found[other].append(value if other == name else real[other][0])
    for values in found.values():
        values.append(None)
    kinds = {f["name"]: pa.float64() if f["kind"] == "numeric" else pa.string() for f in features}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in found.items()})


def _plain(values: pa.ChunkedArray, kind: str) -> list:
    return values.cast(pa.float64() if kind == "numeric" else pa.string()).to_pylist()


def _thresholds(row: pa.Table) -> dict[str, list[float]]:
    weights = pa.Table.from_struct_array(row["weights"].combine_chunks().flatten())
    split = weights.filter(pc.is_finite(weights["threshold"]))
    found: dict[str, list[float]] = {}
    for name, value in zip(split["input"].to_pylist(), split["threshold"].to_pylist(), strict=True):
        near = found.setdefault(name, [])
        if len(near) < 60:
            near += [value, np.nextafter(value, -np.inf), np.nextafter(value, np.inf)]
    return found


def by_estimator(trained: Trained, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The estimator's own scores of the rows that it takes, and which those are: bool [rows]."""
    features = columns.select(rows, trained.encoding.kinds)
    largest = np.max(
        [np.nan_to_num(np.abs(v), nan=0, posinf=np.inf) for v in features.values() if isinstance(v, np.ndarray)], axis=0
    )
    taken, scores = [], []
    with np.errstate(all="ignore"), threadpool_limits(1):
        for low, high in ((-1.0, FLOAT32), (FLOAT32, np.finfo(np.float64).max), (np.finfo(np.float64).max, np.inf)):
            places = np.flatnonzero((low < largest) & (largest <= high))
            if not len(places):
                continue
            chosen = {name: v[places] if isinstance(v, np.ndarray) else v.take(places) for name, v in features.items()}
            try:
                scores.append(trained.score(chosen))
                taken.extend(places)
            except ValueError:
                assert low > 0, "the estimator refuses rows of ordinary numbers"
    found = np.concatenate(scores).astype(np.float64)
    return found[np.argsort(taken)], np.isin(np.arange(rows.num_rows), taken)


def in_duckdb(row: pa.Table, rows: pa.Table, version: str = "test") -> dict[str, np.ndarray]:
    """Scores by each way that runs in DuckDB: float64 [rows] or [rows, parts]."""
    loaded.put(version, row)
    ways = {"udf": udf.call_sql(load(row).formula, version)}
    if row["sql_expression"][0].as_py() is not None:
        ways["sql"] = row["sql_expression"][0].as_py()
    with duckdb.connect() as connection:
        udf.register(connection)
        connection.register("feature_rows", rows)
        return {
            way: as_numbers(connection.sql(f"select {s} as score from feature_rows").to_arrow_table()["score"])
            for way, s in ways.items()
        }


def as_numbers(score: pa.ChunkedArray) -> np.ndarray:
    """A score column as float64 [rows], or [rows, parts]."""
    if not pa.types.is_struct(score.type):
        return score.cast(pa.float64()).to_numpy()
    return np.column_stack([as_numbers(pc.struct_field(score, [place])) for place in range(score.type.num_fields)])


def assert_agreement(examples: pa.Table, meta: Mapping[str, Any], tolerance: float = 1e-9, numbers: tuple = NUMBERS) -> pa.Table:
    """Fit; SQL, function and estimator agree on hostile rows, and SQL is no longer than estimated. Gives the version's row."""
    row = fit(examples, meta, "test", WHERE)
    assert row["status"][0].as_py() == "ready", row["status_reason"][0].as_py()
    formula = load(row).formula
    if row["sql_expression"][0].as_py() is not None:
        assert sql_builders.size(formula.expression()) <= formula.size()
    rows = hostile_rows(examples, row, numbers)
    trained = trained_alone(examples, meta)
    expected, taken = by_estimator(trained, rows)
    found = in_duckdb(row, rows)
    for way, scores in found.items():
        own = scores[taken][:, 0] if trained.task == "clustering" and scores.ndim == 2 else scores[taken]
        assert_allclose(
            own, np.where(np.isfinite(expected) | np.isinf(expected), expected, np.nan), tolerance, tolerance, err_msg=way
        )
        assert_allclose(scores, found["udf"], tolerance, tolerance, err_msg=f"{way} and udf")
    return row
