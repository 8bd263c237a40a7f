"""From a declaration to a scikit-learn pipeline, and from the fitted pipeline to a formula."""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from scorehouse.errors import ScorehouseError
from scorehouse.fitting.spec import Preprocessing, Spec
from scorehouse.formulas.columns import DesignColumn, Features, Indicator, Numeric
from scorehouse.formulas.formula import Feature, Formula
from scorehouse.formulas.heads import Head, Linear, Trees
from scorehouse.formulas.trees import TreeEnsemble


def make_pipeline(spec: Spec, features: Sequence[Feature], where: str) -> Pipeline:
    """Preprocessing and estimator as one scikit-learn pipeline over an object matrix with one column a feature."""
    steps = []
    for position, feature in enumerate(features):
        steps.append((f"{position}", _transformer(feature, spec.preprocessing), [position]))
    transformer = ColumnTransformer(steps, sparse_threshold=0.0)
    return Pipeline([("columns", transformer), ("estimator", spec.make_estimator(where))])


def matrix(features: Features, names: Sequence[Feature]) -> np.ndarray:
    """Raw features as an object matrix of shape (n, n_features), in order; infinities of imputed columns count as missing."""
    columns = []
    for feature in names:
        values = np.asarray(features[feature.name], dtype=object)
        columns.append(values if feature.group == "numeric" else np.where(values == None, "\0", values))  # noqa: E711
    return np.column_stack(columns) if columns else np.empty((0, 0), dtype=object)


def to_formula(pipeline: Pipeline, features: Sequence[Feature], design_means: np.ndarray, where: str) -> Formula:
    """The formula of a fitted pipeline.

    Raises ScorehouseError when the estimator's formula is not known.
    """
    columns: list[DesignColumn] = []
    for (_, transformer, _), feature in zip(pipeline["columns"].transformers_, features, strict=True):
        columns.extend(_columns(feature, transformer))
    return Formula(tuple(features), tuple(columns), _head(pipeline["estimator"], design_means, where))


def signed_log(values: np.ndarray) -> np.ndarray:
    """sign(x) * ln(1 + |x|), element by element."""
    values = np.asarray(values, dtype=np.float64)
    return np.sign(values) * np.log1p(np.abs(values))


def _as_float(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _finite(values: np.ndarray) -> np.ndarray:
    values = _as_float(values)
    return np.where(np.isfinite(values), values, np.nan)


def _transformer(feature: Feature, preprocessing: Preprocessing) -> Pipeline | OneHotEncoder:
    if feature.group == "categorical":
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=preprocessing.minimum_count)
    imputers = {
        "median": lambda: SimpleImputer(strategy="median", keep_empty_features=True),
        "mean": lambda: SimpleImputer(strategy="mean", keep_empty_features=True),
        "zero": lambda: SimpleImputer(strategy="constant", fill_value=0.0),
    }
    is_log = preprocessing.log is True or (preprocessing.log and feature.name in preprocessing.log)
    steps: list[tuple[str, object]] = [("float", FunctionTransformer(_finite if preprocessing.impute else _as_float))]
    if preprocessing.impute:
        if preprocessing.impute not in imputers:
            raise ScorehouseError(
                f"meta.preprocessing.numeric.impute: expected one of {', '.join(imputers)} or null, found '{preprocessing.impute}'."
            )
        steps.append(("impute", imputers[preprocessing.impute]()))
    if is_log:
        steps.append(("log", FunctionTransformer(signed_log)))
    if preprocessing.is_scaled:
        steps.append(("scale", StandardScaler()))
    return Pipeline(steps)


def _columns(feature: Feature, transformer: Pipeline | OneHotEncoder) -> list[DesignColumn]:
    if isinstance(transformer, OneHotEncoder):
        names = transformer.get_feature_names_out([""])
        return [Indicator(feature.name, name.removeprefix("_")) for name in names]
    parts = transformer.named_steps
    scaler = parts.get("scale")
    return [
        Numeric(
            feature.name,
            impute=float(parts["impute"].statistics_[0]) if "impute" in parts else None,
            is_log="log" in parts,
            center=float(scaler.mean_[0]) if scaler else 0.0,
            scale=float(scaler.scale_[0]) if scaler else 1.0,
        )
    ]


def _head(estimator: object, means: np.ndarray, where: str) -> Head:
    for kind, make in _HEADS.items():
        if any(base.__name__ == kind for base in type(estimator).__mro__):
            return make(estimator, means)
    raise ScorehouseError(
        f"{where}: meta.estimator: expected an estimator whose formula is known ({', '.join(sorted(_HEADS))} and their kin), "
        f"found {type(estimator).__name__}; choose one of these."
    )


def _logistic(estimator: object, means: np.ndarray) -> Linear:
    return Linear(
        float(estimator.intercept_[0]), tuple(map(float, estimator.coef_[0])), tuple(map(float, means)), "logistic"
    )


def _linear(estimator: object, means: np.ndarray) -> Linear:
    return Linear(
        float(np.ravel(estimator.intercept_)[0]), tuple(map(float, np.ravel(estimator.coef_))), tuple(map(float, means))
    )


def _histogram_boosting(estimator: object, _: np.ndarray) -> Trees:
    """HistGradientBoosting: leaf values are added to the baseline, tree after tree (scikit-learn's TreePredictor)."""
    nodes = [predictors[0].nodes for predictors in estimator._predictors]
    offsets = np.cumsum([0, *(len(tree) for tree in nodes)])
    flat = np.concatenate(nodes)
    shift = np.repeat(offsets[:-1], [len(tree) for tree in nodes])
    is_leaf = flat["is_leaf"].astype(bool)
    ensemble = TreeEnsemble(
        roots=offsets[:-1],
        feature=np.where(is_leaf, -1, flat["feature_idx"]),
        threshold=flat["num_threshold"],
        missing_left=flat["missing_go_to_left"].astype(bool),
        left=flat["left"] + shift,
        right=flat["right"] + shift,
        value=flat["value"],
        baseline=float(np.ravel(estimator._baseline_prediction)[0]),
    )
    return Trees(ensemble, "logistic" if hasattr(estimator, "classes_") else "identity")


_HEADS: dict[str, Callable[[object, np.ndarray], Head]] = {
    "LogisticRegression": _logistic,
    "LinearRegression": _linear,
    "Ridge": _linear,
    "ElasticNet": _linear,
    "HistGradientBoostingClassifier": _histogram_boosting,
    "HistGradientBoostingRegressor": _histogram_boosting,
}
