"""The formula of a fitted estimator's scores, by what it does."""

from collections.abc import Sequence

from scorehouse.learning.translate import draft as drafts
from scorehouse.learning.translate import onnx
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.scoring.steps import Result

METHODS = {
    "regression": "predict",
    "clustering": "cluster",
    "outliers": "score_samples",
    "decomposition": "transform",
}
PROBABILITIES = "predict_proba"


def method_of(estimator: object, task: str) -> str:
    """The method whose formula is the score: a classifier's probabilities, or its decision function where it has none."""
    if task != "classification":
        return METHODS[task]
    return PROBABILITIES if hasattr(estimator, PROBABILITIES) else "decision_function"


def scores(estimator: object, task: str, names: list[str], draft: Draft) -> list[str]:
    """Write the score of a fitted estimator; gives the names of its columns.

    Raises UnknownFormulaError naming the step whose formula is not known.
    """
    method = method_of(estimator, task)
    try:
        return drafts.apply(estimator, method, names, draft)
    except UnknownFormulaError:
        is_number = task == "regression" or method == PROBABILITIES
        outputs = onnx.converted(estimator, names, draft) if is_number else None
        if outputs is None:
            raise
        if draft.refuse is not None:
            draft.refuse(estimator, method, names, draft)
        return outputs


def result(outputs: list[str], task: str, classes: Sequence[str], draft: Draft, named: str) -> Result:
    """What the score is made of; `named` is the estimator's class.

    Raises UnknownFormulaError for decisions that are not one for each class.
    """
    if task == "clustering":
        labels = ("cluster", "distance")[: len(outputs)]
        return Result(tuple(outputs), labels, ("INTEGER", "DOUBLE")[: len(outputs)])
    if len(outputs) == 1:
        return Result(tuple(outputs), ("score",), ("DOUBLE",))
    labels = draft.parts or tuple(f"component_{place}" for place in range(len(outputs)))
    labels = tuple(classes) if task == "classification" else labels
    if len(labels) != len(outputs):
        raise UnknownFormulaError(f"{named} with one decision for each pair of classes")
    return Result(tuple(outputs), labels, ("DOUBLE",) * len(outputs))
