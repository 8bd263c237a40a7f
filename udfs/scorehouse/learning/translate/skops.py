"""Fitted scikit-learn estimators and pipelines saved with skops, which says before loading what a file would make.

Types that skops trusts are scikit-learn's own and NumPy's; `TRUSTED` adds those that fitted estimators are made of and that do
nothing when they are made. A tree's nodes are checked by its translation before anything predicts with them.
"""

import warnings
from types import ModuleType

import numpy as np
import pyarrow as pa
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.labels import class_name
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate import pipelines
from scorehouse.learning.translate.brought import (
    Brought,
    Declared,
    Predict,
    Rows,
    format_of,
    input_columns,
    library,
    over_columns,
)
from scorehouse.learning.translate.conventions import task_of
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.scoring.columns import is_text

TRUSTED = (
    "builtins.object",
    "functools.partial",
    "numpy.bool",
    "numpy.dtype",
    "numpy.floating",
    "numpy.integer",
    "numpy.number",
    "numpy.object_",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.Sum",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)

SEARCHES = ("sklearn.model_selection.", "sklearn.metrics._scorer.")
"""Where the types lie of how a model was chosen, which its predictions do not need."""

TREES_OF_NEIGHBOURS = ("sklearn.neighbors._kd_tree.", "sklearn.neighbors._ball_tree.")
"""Where the types lie that neighbours are looked for in, unless every distance is computed."""

TASKS = ("classification", "regression", "outliers", "decomposition")


@format_of("scorehouse.skops")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """An estimator from a file of skops."""
    declared = Declared.read(spec, where)
    estimator = loaded(library(where, "skops.io", "skops"), spec.model(where), spec, where)
    task = task_of(estimator)
    if task not in TASKS:
        raise UnknownFormulaError(f"{type(_last(estimator)).__name__}, which clusters", "save one that classifies or predicts")
    names = tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))
    columns = input_columns(table, spec, where, names, _width(estimator), declared)
    texts = _texts(table, columns)
    draft = Draft(texts={columns[place]: columns[place] for place in texts})
    outputs = len(pipelines.scores(estimator, task, list(columns), draft))
    without_nan = frozenset(place for place in texts if columns[place] in draft.nulls)
    found = Brought(
        inputs=names,
        outputs=outputs,
        write=lambda fed, draft: pipelines.scores(estimator, task, fed, draft),
        predict=own_scores(estimator, task, bool(names), without_nan, where),
        package="scikit-learn",
        categories=dict.fromkeys(texts, ()),
        is_classifier=task == "classification",
        is_probability=hasattr(estimator, pipelines.PROBABILITIES),
        classes=_classes(estimator, task),
        targets=tuple(f"component_{place}" for place in range(outputs)) if task == "decomposition" else (),
        without_nan=without_nan,
        missing=declared.missing,
    )
    return over_columns(table, spec, where, found, declared, columns)


def loaded(skops: ModuleType, content: bytes, spec: Spec, where: str) -> object:
    """The fitted estimator of a file, made of trusted types alone and by the installed scikit-learn.

    Raises ScorehouseError for other types or another version, UnknownFormulaError for a file that is none.
    """
    try:
        unknown = sorted(set(skops.get_untrusted_types(data=content)) - set(TRUSTED))
    except Exception as error:  # whatever it stumbles over in a file that is none of its own
        raise UnknownFormulaError("a file that skops did not write") from error
    if unknown:
        raise ScorehouseError(
            f"{where}: expected a model of types that skops and Scorehouse trust in {spec.model_file}, found "
            f"{', '.join(unknown)}; {_instead(unknown)}."
        )
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            estimator = skops.loads(content, trusted=list(TRUSTED))
        except Exception as error:
            raise UnknownFormulaError(f"a file that skops cannot load: {' '.join(str(error).split())[:200]}") from error
    versions = [warning.message for warning in said if issubclass(warning.category, InconsistentVersionWarning)]
    if versions:
        raise ScorehouseError(
            f"{where}: expected {spec.model_file} to be saved by the installed scikit-learn "
            f"{versions[0].current_sklearn_version}, found {versions[0].original_sklearn_version}, whose estimators may mean "
            f"otherwise; fit and save it again, or install that version."
        )
    return _fitted(estimator)


def _instead(unknown: list[str]) -> str:
    """What to do about types that are not trusted."""
    if any(name.startswith(SEARCHES) for name in unknown):
        return "save best_estimator_ of a search, or estimator_ of a tuned threshold, alone"
    if any(name.startswith(TREES_OF_NEIGHBOURS) for name in unknown):
        return "fit it with algorithm='brute', which finds the same neighbours, or bring it as ONNX"
    return "bring a booster in its library's own form, other estimators as ONNX"


def _fitted(estimator: object) -> object:
    if not hasattr(estimator, "predict") and not hasattr(estimator, "transform"):
        raise UnknownFormulaError(f"{type(estimator).__name__}, which is no estimator")
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError) as error:
        raise UnknownFormulaError(f"{type(estimator).__name__} that is not fitted", "fit it before saving it") from error
    return estimator


def _width(estimator: object) -> int:
    """How many columns an estimator takes; an isotonic regression takes one, and does not say so."""
    first = estimator.steps[0][1] if hasattr(estimator, "steps") else estimator
    width = getattr(first, "n_features_in_", 1 if isinstance(first, IsotonicRegression) else None)
    if width is None:
        raise UnknownFormulaError(
            f"{type(first).__name__} that does not know how many columns it takes", "save what takes a matrix of columns"
        )
    return int(width)


def _last(estimator: object) -> object:
    return _last(estimator.steps[-1][1]) if hasattr(estimator, "steps") else estimator


def _texts(table: pa.Table, columns: tuple[str, ...]) -> list[int]:
    return [place for place, name in enumerate(columns) if is_text(table.schema.field(name).type)]


def _classes(estimator: object, task: str) -> tuple[str, ...]:
    """Names of the classes in the order of the scores."""
    if task != "classification":
        return ()
    classes, last = estimator.classes_, _last(estimator)
    binarizer = getattr(last, "label_binarizer_", getattr(last, "_label_binarizer", None))
    if isinstance(classes, list) or getattr(binarizer, "y_type_", "").startswith("multilabel"):
        raise UnknownFormulaError(f"{type(last).__name__} with several labels a row", "bring one model for each")
    if len(classes) < 2:
        raise UnknownFormulaError(f"{type(last).__name__} that knows one class alone", "fit it on examples of two")
    return tuple(class_name(value.item() if isinstance(value, np.generic) else value) for value in classes)


def own_scores(estimator: object, task: str, is_named: bool, without_nan: frozenset[int], where: str) -> Predict:
    """The estimator's own scores, of a pandas frame where it was fitted on one, else of a matrix.

    NULL among texts is None in the columns at `without_nan`, NaN in others.
    """
    method = pipelines.method_of(estimator, task).replace("cluster", "predict")

    def predict(rows: Rows) -> np.ndarray:
        found = getattr(estimator, method)(_given(rows.unmarked(), is_named, without_nan, where))
        scores = np.asarray(found.toarray() if hasattr(found, "toarray") else found, np.float64)
        if task == "classification" and scores.ndim == 2 and scores.shape[1] == 2:
            return scores[:, 1]
        return scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores

    return predict


def _given(rows: Rows, is_named: bool, without_nan: frozenset[int], where: str) -> object:
    """The rows as the estimator was fitted on them; a missing text is what its own steps call missing."""
    columns = {
        name: values if isinstance(values, np.ndarray) else _texts_of(values, None if place in without_nan else np.nan)
        for place, (name, values) in enumerate(rows.columns.items())
    }
    if is_named:
        return library(where, "pandas", "skops").DataFrame(columns)
    return np.column_stack(list(columns.values()))


def _texts_of(values: pa.Array, null: float | None) -> np.ndarray:
    return np.array([null if value is None else value for value in values.to_pylist()], object)
