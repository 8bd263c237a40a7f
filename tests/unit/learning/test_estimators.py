"""SQL, user-defined function and estimator give the same score, on real rows and on hostile ones."""

import sys

import agreement
import numpy as np
import pyarrow as pa
import pytest
from agreement import assert_agreement, customers, declared
from numpy.testing import assert_allclose

from scorehouse.errors import ScorehouseError
from scorehouse.learning import fit

pytestmark = pytest.mark.filterwarnings("ignore")  # small examples and few iterations: nothing converges

SK = "sklearn."
TREE = {"max_leaf_nodes": 6}
FEW = {"n_estimators": 6, "max_leaf_nodes": 6}
FEW_ROUNDS = {"max_iter": 6, "max_leaf_nodes": 6}
LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression", "parameters": {"C": 0.1}}
SCALED = {"numeric": {"scale": "standard"}}


def nested(path: str, **parameters: object) -> dict[str, object]:
    return {"estimator": f"{SK}{path}", "parameters": parameters}


TREE_CLASSIFIER, TREE_REGRESSOR = nested("tree.DecisionTreeClassifier", **TREE), nested("tree.DecisionTreeRegressor", **TREE)
LINEAR_SVC, BAYES = nested("svm.LinearSVC", C=0.01), nested("naive_bayes.GaussianNB", var_smoothing=0.01)
RIDGE, SCALER = nested("linear_model.Ridge"), nested("preprocessing.StandardScaler")

CLASSIFIERS = {
    "logistic": ("linear_model.LogisticRegression", {}),
    "logistic l1": ("linear_model.LogisticRegression", {"solver": "saga", "l1_ratio": 1.0, "C": 0.05}),
    "logistic cv": ("linear_model.LogisticRegressionCV", {"Cs": 2, "cv": 2, "l1_ratios": [0], "use_legacy_attributes": False}),
    "sgd log": ("linear_model.SGDClassifier", {"loss": "log_loss"}),
    "sgd huber": ("linear_model.SGDClassifier", {"loss": "modified_huber"}),
    "sgd hinge": ("linear_model.SGDClassifier", {}),
    "perceptron": ("linear_model.Perceptron", {}),
    "ridge": ("linear_model.RidgeClassifier", {}),
    "linear svc": ("svm.LinearSVC", {"C": 0.01}),
    "lda": ("discriminant_analysis.LinearDiscriminantAnalysis", {}),
    "lda shrunk": ("discriminant_analysis.LinearDiscriminantAnalysis", {"solver": "lsqr", "shrinkage": 0.2}),
    "qda": ("discriminant_analysis.QuadraticDiscriminantAnalysis", {"reg_param": 0.1}),
    "gaussian nb": ("naive_bayes.GaussianNB", {"var_smoothing": 1e-3}),
    "bernoulli nb": ("naive_bayes.BernoulliNB", {}),
    "multinomial nb": ("naive_bayes.MultinomialNB", {}),
    "complement nb": ("naive_bayes.ComplementNB", {}),
    "tree": ("tree.DecisionTreeClassifier", TREE),
    "extra tree": ("tree.ExtraTreeClassifier", TREE),
    "forest": ("ensemble.RandomForestClassifier", FEW),
    "extra trees": ("ensemble.ExtraTreesClassifier", FEW),
    "boosting": ("ensemble.GradientBoostingClassifier", FEW),
    "histogram boosting": ("ensemble.HistGradientBoostingClassifier", {**FEW_ROUNDS, "min_samples_leaf": 5}),
    "ada boost": ("ensemble.AdaBoostClassifier", {"n_estimators": 5}),
    "bagging": ("ensemble.BaggingClassifier", {"n_estimators": 3, "max_features": 0.7, "estimator": TREE_CLASSIFIER}),
    "voting": (
        "ensemble.VotingClassifier",
        {"voting": "soft", "weights": [2, 1], "estimators": [["a", LOGISTIC], ["b", TREE_CLASSIFIER]]},
    ),
    "stacking": (
        "ensemble.StackingClassifier",
        {"cv": 2, "passthrough": True, "final_estimator": LOGISTIC, "estimators": [["a", LOGISTIC], ["b", BAYES]]},
    ),
    "calibrated sigmoid": ("calibration.CalibratedClassifierCV", {"cv": 3, "estimator": LINEAR_SVC}),
    "calibrated isotonic": ("calibration.CalibratedClassifierCV", {"cv": 2, "method": "isotonic", "estimator": TREE_CLASSIFIER}),
    "one against rest": ("multiclass.OneVsRestClassifier", {"estimator": LOGISTIC}),
    "svc rbf": ("svm.SVC", {}),
    "svc polynomial": ("svm.SVC", {"kernel": "poly", "degree": 2, "coef0": 1.0}),
    "nu svc": ("svm.NuSVC", {"nu": 0.3}),
    "neighbours": ("neighbors.KNeighborsClassifier", {}),
    "weighted neighbours": ("neighbors.KNeighborsClassifier", {"weights": "distance", "p": 1, "algorithm": "kd_tree"}),
    "nearest centroid": ("neighbors.NearestCentroid", {}),
    "self-training": ("semi_supervised.SelfTrainingClassifier", {"estimator": LOGISTIC}),
    "network": ("neural_network.MLPClassifier", {"hidden_layer_sizes": [4, 3], "max_iter": 30}),
    "network logistic": ("neural_network.MLPClassifier", {"hidden_layer_sizes": [3], "activation": "logistic", "max_iter": 30}),
    "dummy": ("dummy.DummyClassifier", {}),
    "pipeline": ("pipeline.Pipeline", {"steps": [["scale", SCALER], ["model", LOGISTIC]]}),
    "grid search": ("model_selection.GridSearchCV", {"estimator": LOGISTIC, "param_grid": {"C": [0.1, 1.0]}, "cv": 2}),
}  # fmt: skip
SAME_FOR_SEVERAL_CLASSES = (
    "logistic l1", "logistic cv", "perceptron", "linear svc", "lda shrunk", "bernoulli nb", "extra tree", "extra trees",
    "bagging", "pipeline", "grid search",
)  # fmt: skip
"""Classifiers whose formula for several classes is another one's."""
BINARY_ONLY = {
    "boosting exponential": ("ensemble.GradientBoostingClassifier", {**FEW, "loss": "exponential"}),
    "logistic liblinear": ("linear_model.LogisticRegression", {"solver": "liblinear"}),
    "threshold": ("model_selection.FixedThresholdClassifier", {"estimator": LOGISTIC}),
}
REGRESSORS = {
    "linear": ("linear_model.LinearRegression", {}),
    "ridge": ("linear_model.Ridge", {}),
    "lasso": ("linear_model.Lasso", {"alpha": 0.05}),
    "elastic net": ("linear_model.ElasticNet", {"alpha": 0.05}),
    "bayesian ridge": ("linear_model.BayesianRidge", {}),
    "huber": ("linear_model.HuberRegressor", {}),
    "quantile": ("linear_model.QuantileRegressor", {"alpha": 0.01}),
    "linear svr": ("svm.LinearSVR", {}),
    "ransac": ("linear_model.RANSACRegressor", {}),
    "poisson": ("linear_model.PoissonRegressor", {}),
    "gamma": ("linear_model.GammaRegressor", {}),
    "tweedie": ("linear_model.TweedieRegressor", {"power": 1.5}),
    "least squares": ("cross_decomposition.PLSRegression", {"n_components": 2}),
    "tree": ("tree.DecisionTreeRegressor", TREE),
    "forest": ("ensemble.RandomForestRegressor", FEW),
    "extra trees": ("ensemble.ExtraTreesRegressor", FEW),
    "boosting": ("ensemble.GradientBoostingRegressor", FEW),
    "histogram boosting": ("ensemble.HistGradientBoostingRegressor", FEW_ROUNDS),
    "histogram poisson": ("ensemble.HistGradientBoostingRegressor", {"max_iter": 6, "loss": "poisson"}),
    "bagging": ("ensemble.BaggingRegressor", {"n_estimators": 3, "estimator": TREE_REGRESSOR}),
    "voting": ("ensemble.VotingRegressor", {"estimators": [["a", RIDGE], ["b", TREE_REGRESSOR]]}),
    "stacking": ("ensemble.StackingRegressor", {"cv": 2, "estimators": [["a", RIDGE]]}),
    "transformed target": ("compose.TransformedTargetRegressor", {"transformer": SCALER, "regressor": RIDGE}),
    "svr": ("svm.SVR", {}),
    "kernel ridge": ("kernel_ridge.KernelRidge", {"kernel": "rbf", "gamma": 0.1}),
    "neighbours": ("neighbors.KNeighborsRegressor", {"n_neighbors": 3, "weights": "distance"}),
    "ada boost": ("ensemble.AdaBoostRegressor", {"n_estimators": 5}),
    "gaussian process": ("gaussian_process.GaussianProcessRegressor", {"alpha": 0.1, "normalize_y": True}),
    "network": ("neural_network.MLPRegressor", {"hidden_layer_sizes": [4], "activation": "tanh", "max_iter": 30}),
    "dummy": ("dummy.DummyRegressor", {}),
}  # fmt: skip
WITHOUT_LABEL = {
    "k-means": ("cluster.KMeans", {"n_clusters": 3, "n_init": 1}),
    "mini-batch k-means": ("cluster.MiniBatchKMeans", {"n_clusters": 3, "n_init": 1}),
    "mean shift": ("cluster.MeanShift", {"bandwidth": 2.5}),
    "birch": ("cluster.Birch", {"threshold": 1.5}),
    "bisecting k-means": ("cluster.BisectingKMeans", {"n_clusters": 4}),
    "gaussian mixture": ("mixture.GaussianMixture", {"n_components": 2, "reg_covar": 0.01}),
    "gaussian mixture diagonal": ("mixture.GaussianMixture", {"n_components": 2, "covariance_type": "diag", "reg_covar": 0.01}),
    "pca": ("decomposition.PCA", {"n_components": 2}),
    "pca whitened": ("decomposition.PCA", {"n_components": 2, "whiten": True}),
    "truncated svd": ("decomposition.TruncatedSVD", {"n_components": 2}),
    "factor analysis": ("decomposition.FactorAnalysis", {"n_components": 2}),
    "independent components": ("decomposition.FastICA", {"n_components": 2}),
    "sparse pca": ("decomposition.SparsePCA", {"n_components": 2}),
    "kernel pca": ("decomposition.KernelPCA", {"n_components": 2, "kernel": "rbf", "gamma": 0.1}),
    "nystroem": ("kernel_approximation.Nystroem", {"n_components": 4, "gamma": 0.1}),
    "isolation forest": ("ensemble.IsolationForest", {"n_estimators": 5, "max_samples": 32}),
    "one-class svm": ("svm.OneClassSVM", {"nu": 0.2}),
}
UNSCALED = ("multinomial nb", "complement nb", "bernoulli nb")
SHORT = tuple(number for number in agreement.NUMBERS if np.isnan(number) or abs(number) < 1e7)
"""Numbers that leave a distance its digits, so that the nearest of several centres is one and the same for all."""


def _cases(table: dict[str, tuple[str, dict]], label: str | None) -> list:
    return [pytest.param(name, path, settings, label, id=f"{name}, {label}") for name, (path, settings) in table.items()]


@pytest.mark.parametrize(
    ("name", "path", "parameters", "label"),
    [
        *_cases(CLASSIFIERS | BINARY_ONLY, "is_churned"),
        *_cases({name: case for name, case in CLASSIFIERS.items() if name not in SAME_FOR_SEVERAL_CLASSES}, "tier"),
        *_cases(REGRESSORS, "spent"),
        *_cases(WITHOUT_LABEL, None),
    ],
)
def test_sql_and_function_give_the_score_of_the(name, path, parameters, label):
    preprocessing = {} if name in UNSCALED else SCALED
    meta = declared(SK + path, label, parameters=parameters, preprocessing=preprocessing)
    numbers = SHORT if path.startswith(("cluster.", "mixture.")) else agreement.NUMBERS
    assert_agreement(customers(), meta, numbers=numbers)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("linear_model.LogisticRegression", "tier"),
        ("ensemble.RandomForestRegressor", "spent"),
        ("cluster.KMeans", None),
        ("decomposition.PCA", None),
    ],
)
def test_one_row_and_no_row_score_like_many(path, label):
    examples, meta = customers(), declared(SK + path, label)
    row = fit(examples, meta, "test", agreement.WHERE)
    many = agreement.in_duckdb(row, examples)
    for count in (1, 0):
        some = agreement.in_duckdb(row, examples.slice(0, count))
        assert some.keys() == many.keys()
        for way in some:
            assert_allclose(some[way], many[way][:count], 1e-9, 1e-9)


IMPUTER = {"transformer": "sklearn.impute.SimpleImputer"}
PREPROCESSING = {
    "mean": {"numeric": {"impute": "mean", "indicator": True}},
    "constant": {"numeric": {"impute": -1, "scale": "minimum_maximum"}},
    "robust log": {"numeric": {"log": ["amount", "visits"], "scale": "robust"}},
    "maximum": {"numeric": {"scale": "maximum"}},
    "power": {"numeric": {"scale": "power"}},
    "quantile": {"numeric": {"scale": "quantile"}},
    "bins": {"numeric": {"bins": 4}, "categorical": {"encode": "ordinal"}},
    "ordinal bins": {"numeric": {"bins": {"count": 3, "strategy": "uniform", "encode": "ordinal"}}},
    "rare": {"categorical": {"minimum_count": 60}},
    "rare ordinal": {"categorical": {"encode": "ordinal", "minimum_count": 60}},
    "target": {"categorical": {"encode": "target", "impute": "most_frequent"}},
    "filled category": {"categorical": {"impute": "plus"}},
    "category of its own": {"categorical": {"impute": "not told"}},
    "ordinal category of its own": {"categorical": {"impute": "not told", "encode": "ordinal"}},
    "listed": {
        "numeric": [
            IMPUTER,
            {"transformer": "sklearn.preprocessing.PolynomialFeatures", "parameters": {"degree": 2}},
            {"transformer": "sklearn.preprocessing.Normalizer"},
        ]
    },
    "shares": {"numeric": [IMPUTER, {"transformer": "sklearn.preprocessing.Normalizer", "parameters": {"norm": "l1"}}]},
    "shares of the largest": {
        "numeric": [IMPUTER, {"transformer": "sklearn.preprocessing.Normalizer", "parameters": {"norm": "max"}}]
    },
}


@pytest.mark.parametrize("label", ["is_churned", "tier"])
@pytest.mark.parametrize("preprocessing", PREPROCESSING.values(), ids=PREPROCESSING)
def test_preprocessing_is_part_of_the_score(preprocessing, label):
    assert_agreement(
        customers(),
        declared(SK + "linear_model.LogisticRegression", label, parameters={"max_iter": 30}, preprocessing=preprocessing),
    )


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e6])
@pytest.mark.parametrize("numeric", [{"log": True, "bins": 4}, {"log": True, "scale": "standard"}])
def test_numbers_of_any_size_keep_their_digits_and_their_bins(numeric, size):
    examples = customers()
    amounts = np.round(examples["amount"].to_numpy(), 1) * size
    examples = examples.set_column(examples.column_names.index("amount"), "amount", pa.array(amounts, from_pandas=True))
    meta = declared(SK + "linear_model.LogisticRegression", "is_churned", preprocessing={"numeric": numeric})
    assert_agreement(examples, meta)


@pytest.mark.parametrize("estimator", ["linear_model.Ridge", "tree.DecisionTreeRegressor"])
def test_steps_between_preprocessing_and_estimator_are_part_of_the_score(estimator):
    steps = [
        {"transformer": "sklearn.preprocessing.StandardScaler"},
        {"transformer": "sklearn.decomposition.PCA", "parameters": {"n_components": 4}},
        {"transformer": "sklearn.feature_selection.VarianceThreshold"},
    ]
    assert_agreement(customers(), declared(SK + estimator, "spent", steps=steps))


@pytest.mark.parametrize("label", ["is_churned", "tier"])
def test_bayes_over_categories_takes_bins(label):
    binned = {"numeric": {"bins": {"count": 3, "encode": "ordinal"}}}
    meta = declared(SK + "naive_bayes.CategoricalNB", label, preprocessing=binned)
    meta["features"] = {"numeric": ["visits", "amount"]}
    assert_agreement(customers(), meta)


@pytest.mark.parametrize("label", ["is_churned", "tier", "spent"])
def test_histogram_boosting_keeps_missing_numbers_and_native_categories(label):
    kind = "Regressor" if label == "spent" else "Classifier"
    meta = declared(
        SK + f"ensemble.HistGradientBoosting{kind}", label, parameters={"max_iter": 8, "max_leaf_nodes": 8, "min_samples_leaf": 5}
    )
    row = assert_agreement(customers(rows=400, missing=0.3), meta)
    kept = row["weights"][0].as_py()
    assert any(weight["categories"] for weight in kept), "expected a split by category"
    assert {weight["is_missing_left"] for weight in kept if weight["left_node"]} == {True, False}


@pytest.mark.parametrize("path", ["linear_model.LogisticRegression", "ensemble.HistGradientBoostingClassifier"])
def test_a_feature_without_any_value_in_training_has_no_effect(path):
    examples = customers()
    for name in ("amount", "plan"):
        examples = examples.set_column(examples.column_names.index(name), name, pa.nulls(len(examples), examples[name].type))
    row = assert_agreement(examples, declared(SK + path, "is_churned"))
    assert row["status_reason"][0].as_py() == "Constant in training, so without effect: amount, plan."


@pytest.mark.parametrize(
    "declaration",
    [
        {"calibration": "sigmoid"},
        {"calibration": "isotonic"},
        {"class_weight": "balanced"},
        {"class_weight": {1: 3.0}},
        {"weight": "spent"},
        {"search": {"parameters": {"C": [0.01, 1.0]}, "folds": 1}, "split": {"time": "as_of", "test_periods": 0}},
    ],
    ids=lambda declaration: " ".join(declaration),
)
def test_every_way_to_train_agrees_when_declared_with(declaration):
    assert_agreement(
        customers(), declared(SK + "linear_model.LogisticRegression", "is_churned", preprocessing=SCALED, **declaration)
    )


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("neighbors.RadiusNeighborsClassifier", "is_churned"),
        ("gaussian_process.GaussianProcessClassifier", "is_churned"),
        ("semi_supervised.LabelSpreading", "tier"),
        ("decomposition.NMF", None),
        ("cluster.DBSCAN", None),
    ],
)
def test_an_estimator_without_a_formula_is_refused_in_one_sentence(monkeypatch, path, label):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ScorehouseError) as refusal:
        fit(customers(), declared(SK + path, label), "test", agreement.WHERE)
    assert str(refusal.value).startswith(f"{agreement.WHERE}: expected ")
    assert path.split(".")[-1] in str(refusal.value)
    assert "\n" not in str(refusal.value)
