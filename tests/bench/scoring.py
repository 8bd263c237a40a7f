"""Scoring 4 M rows x 20 numbers: read in DuckDB, score, write the result in DuckDB; two cores.

Every way reads the same table and writes the same kind of table. Peers that take minutes score a part of the rows, and their
time is multiplied; the table says which.
"""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import pyarrow as pa
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from threadpoolctl import threadpool_limits

from bench.measure import medians, show
from scorehouse.learning import Spec, fit
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.train.estimators import declared_estimator
from scorehouse.learning.train.pipeline import Trained, train
from scorehouse.scoring import loaded, udf
from scorehouse.scoring.formula import printed
from scorehouse.scoring.score_sql import with_sql
from scorehouse.scoring.scorer import load

ROWS, PART, EXAMPLES, COLUMNS, THREADS, ROUNDS = 4_000_000, 400_000, 50_000, 20, 2, 3
NAMES = [f"feature_{c}" for c in range(COLUMNS)]
NUMBER = "case when hash(i, {c}) % 1000 > 0 then hash(i * {count} + {c}) / 1.8446744073709552e19 - 0.5 end as {name}"
NUMBERS = ", ".join(NUMBER.format(c=c, count=COLUMNS, name=name) for c, name in enumerate(NAMES))
SUM = " + ".join(NAMES)
MARGIN = f"{SUM} + feature_0 * feature_1 * 20 + sin(feature_2 * 9) + (hash(id) % 1000) / 500"


SCALED = {"numeric": {"scale": "standard"}}
BOOSTED = "sklearn.ensemble.HistGradientBoostingRegressor"


@dataclass(frozen=True)
class Work:
    """One model to score with."""

    name: str
    estimator: str
    parameters: dict[str, object]
    label: str | None
    preprocessing: dict[str, object]


WORKS = (
    Work("linear", "sklearn.linear_model.LogisticRegression", {}, "is_true", SCALED),
    Work("k-means, 8 clusters", "sklearn.cluster.KMeans", {"n_clusters": 8, "n_init": 1}, None, SCALED),
    Work("trees, 50 x 8 leaves", BOOSTED, {"max_iter": 50, "max_leaf_nodes": 8}, "amount", {}),
    Work("trees, 100 x 31 leaves", BOOSTED, {"max_iter": 100, "max_leaf_nodes": 31}, "amount", {}),
)


def run() -> None:
    """Print seconds of each way to score, and how many times as long as Scorehouse it takes."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder) / "bench.duckdb")) as connection:
        connection.execute(f"set threads = {THREADS}; set enable_progress_bar = false")
        connection.execute(f"create table everything as select i as id, {NUMBERS} from range({ROWS}) as rows(i)")
        connection.execute(f"create table part as from everything where id < {PART}")
        udf.register(connection)
        examples = _examples(connection)
        for work in WORKS:
            _measure(work, connection, examples)


def _examples(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    margin = f"coalesce({MARGIN}, 0)"
    query = f"select *, {margin} as amount, {margin} > 1 as is_true from everything where id < {EXAMPLES}"
    return connection.sql(query).to_arrow_table()


def _measure(work: Work, connection: duckdb.DuckDBPyConnection, examples: pa.Table) -> None:
    meta = {
        "estimator": work.estimator,
        "parameters": work.parameters,
        "label": work.label,
        "key": ["id"],
        "features": {"numeric": NAMES},
        "preprocessing": work.preprocessing,
    }
    row = with_sql(fit(examples, meta, work.name, "bench"))
    loaded.put(work.name, row)
    spec = Spec.read("bench", meta)
    trained = train(declared_estimator(spec, "bench"), Examples.read(examples, spec, "bench"), np.ones(len(examples), bool))
    ours = f"Scorehouse ({row['plan'][0].as_py()})"
    ways: dict[str, tuple[Callable[[], object], int]] = {
        ours: (lambda: _in_sql(connection, row["score_sql"][0].as_py()), 1),
        "sum of the columns": (lambda: _in_sql(connection, SUM), 1),
        **_peers(work, trained, row, connection, examples),
    }
    with threadpool_limits(THREADS):
        taken = medians({name: way for name, (way, _) in ways.items()}, ROUNDS)
        memory = {name: _peak_megabytes(way) for name, (way, _) in ways.items()}
    seconds = {name: taken[name] * scale for name, (_, scale) in ways.items()}
    rows = [
        [
            name,
            seconds[name],
            seconds[name] / seconds[ours],
            memory[name],
            None if scale == 1 else f"{PART:,} rows, times {scale}",
        ]
        for name, (_, scale) in ways.items()
    ]
    show([work.name, "seconds", "times Scorehouse", "megabytes above the start", "measured on"], rows)
    print(flush=True)


def _peers(
    work: Work, trained: Trained, row: pa.Table, connection: duckdb.DuckDBPyConnection, examples: pa.Table
) -> dict[str, tuple[Callable[[], object], int]]:
    def round_trip(predict: Callable[[pd.DataFrame], np.ndarray], table: str) -> Callable[[], None]:
        return lambda: _through_pandas(connection, table, predict)

    if not work.name.startswith("trees"):
        return {"pandas, scikit-learn": (round_trip(_by_sklearn(trained), "everything"), 1)}
    scale = ROWS // PART
    features, label = examples.select(NAMES).to_pandas(), examples[work.label].to_numpy()
    boosted = lightgbm.LGBMRegressor(
        n_estimators=work.parameters["max_iter"], num_leaves=work.parameters["max_leaf_nodes"], n_jobs=THREADS, verbose=-1
    ).fit(features, label)
    onnx = to_onnx(trained.estimator, initial_types=[("X", FloatTensorType([None, COLUMNS]))]).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(onnx, options)
    case = printed(load(row).formula.expression())
    return {
        "pandas, scikit-learn": (round_trip(_by_sklearn(trained), "part"), scale),
        "pandas, LightGBM": (round_trip(boosted.predict, "part"), scale),
        "pandas, onnxruntime (float32)": (
            round_trip(lambda rows: session.run(None, {"X": rows.to_numpy(np.float32)})[0][:, 0], "part"),
            scale,
        ),
        "SQL case": (lambda: _in_sql(connection, case), 1),
    }


def _by_sklearn(trained: Trained) -> Callable[[pd.DataFrame], np.ndarray]:
    def predict(rows: pd.DataFrame) -> np.ndarray:
        matrix = rows.to_numpy()
        is_classifier = trained.task == "classification"
        return trained.pipeline.predict_proba(matrix)[:, 1] if is_classifier else trained.pipeline.predict(matrix)

    return predict


def _in_sql(connection: duckdb.DuckDBPyConnection, score: str) -> None:
    connection.execute(f"create or replace table scored as select id, {score} as score from everything")


def _through_pandas(connection: duckdb.DuckDBPyConnection, table: str, predict: Callable[[pd.DataFrame], np.ndarray]) -> None:
    rows = connection.sql(f"from {table}").df()
    scored = pd.DataFrame({"id": rows["id"], "score": predict(rows[NAMES])})
    connection.register("scored_rows", scored)
    connection.execute("create or replace table scored as from scored_rows")
    connection.unregister("scored_rows")


def _peak_megabytes(way: Callable[[], object]) -> float:
    """How much the process grew at most while it worked, looked at every few milliseconds."""
    with _watched() as seen:
        way()
    return (max(seen) - seen[0]) / 1e6


@contextmanager
def _watched() -> Iterator[list[int]]:
    seen, is_over = [_resident_bytes()], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.005):
            seen.append(_resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
