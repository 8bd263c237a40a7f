"""A category is found by its text: what serves it has the type that was proved, or is refused."""

import duckdb
import lightgbm
import numpy as np
import pandas
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

from scorehouse.learning import Spec, fit
from scorehouse.scoring import loaded, udf
from scorehouse.scoring.score_sql import with_sql

pytestmark = pytest.mark.filterwarnings("ignore")

random = np.random.default_rng(0)
SHOPS = random.choice([101, 205, 309], 200)
EXAMPLES = pa.table(
    {
        "id": range(200),
        "shop": pa.array(SHOPS, pa.int64()),
        "city": pa.array(random.choice(["ulm", "rome"], 200)),
        "is_new": pa.array(random.choice([True, False], 200)),
        "amount": random.normal(size=200),
        "spent": (SHOPS == 205) * 3.0 + random.normal(size=200) / 10,
        "tier": pa.array(random.choice(["a", "b", "c"], 200)),
    }
)
FEATURES = {"categorical": ["shop", "city", "is_new"], "numeric": ["amount"]}


def trained(path: str, label: str) -> pa.Table:
    meta = {"estimator": f"sklearn.{path}", "label": label, "key": ["id"], "features": FEATURES}
    return with_sql(fit(EXAMPLES, Spec.read("models/m.yml", meta), "m@1", "models/m.yml"))


def brought() -> pa.Table:
    frame = EXAMPLES.select(["shop", "amount"]).to_pandas().assign(shop=pandas.Categorical(SHOPS))
    parameters = {"verbose": -1, "min_data_in_leaf": 5, "min_data_per_group": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(frame, EXAMPLES["spent"].to_numpy()), 5)
    meta = {"estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string(), "key": ["id"]}
    return with_sql(fit(EXAMPLES, Spec.read("models/m.yml", meta), "m@1", "models/m.yml"))


MODELS = {
    "sql": lambda: trained("linear_model.Ridge", "spent"),
    "parts": lambda: trained("linear_model.LogisticRegression", "tier"),
    "trees": lambda: trained("ensemble.GradientBoostingRegressor", "spent"),
    "brought": brought,
}


@pytest.fixture(scope="module", params=list(MODELS))
def row(request) -> pa.Table:
    return MODELS[request.param]()


def served(row: pa.Table, column: str = "score_sql", **types: str) -> list:
    loaded.put("m@1", row)
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
    with duckdb.connect() as connection:
        udf.register(connection)
        connection.register("examples", EXAMPLES)
        rows = f"select * replace ({casts}) from examples" if casts else "from examples"
        return connection.sql(f"select {row[column][0].as_py()} as score from ({rows}) order by id").fetchall()


@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(10,2)", "FLOAT", "VARCHAR"])
def test_a_category_of_another_type_is_refused(row, kind):
    for column in ("score_sql", "reasons_sql"):
        if row[column][0].as_py():
            with pytest.raises(duckdb.Error) as found:
                served(row, column, shop=kind)
            sentence = f"score(): feature shop: expected BIGINT, as in the examples, found {kind}; cast it to BIGINT in both."
            assert str(found.value).endswith(sentence)


def test_types_with_the_same_texts_are_served_alike(row):
    expected = served(row)
    assert repr(served(row, shop="integer")) == repr(expected)
    assert repr(served(row, shop="hugeint", city="enum('rome', 'ulm')")) == repr(expected)


@pytest.mark.parametrize(("name", "kind"), [("city", "JSON"), ("is_new", "VARCHAR"), ("is_new", "INTEGER")])
def test_texts_and_truth_values_are_categories_of_their_types(name, kind):
    with pytest.raises(duckdb.Error, match=f"feature {name}: expected"):
        served(trained("linear_model.Ridge", "spent"), **{name: kind})


def test_a_number_of_another_type_is_the_same_number():
    row = trained("linear_model.Ridge", "spent")
    assert_allclose(np.ravel(served(row, amount="decimal(30,20)")), np.ravel(served(row)), 1e-9)
