"""The formula of a trained pipeline."""

from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.train.pipeline import Trained
from scorehouse.learning.translate import draft as drafts
from scorehouse.learning.translate import onnx
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.learning.translate.preprocessing import transform
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.steps import Inputs, Result

METHODS = {
    "regression": ["predict"],
    "clustering": ["cluster"],
    "outliers": ["score_samples"],
    "decomposition": ["transform"],
}


def fitted_of_trained(trained: Trained) -> Fitted:
    """The trained pipeline as operations from raw features to the score.

    Raises UnknownFormulaError naming the step whose formula is not known.
    """
    draft = Draft(categories=dict(trained.encoding.categories.items()))
    names = draft.add(Inputs.of(dict(trained.encoding.kinds)))
    for _, step in trained.pipeline.steps[:-1]:
        names = transform(step, names, draft)
    method = _method(trained)
    outputs = _scores(trained, method, names, draft)
    draft.add(_result(outputs, trained, draft.parts))
    return Fitted(
        formula=Formula(tuple(draft.operations)),
        task=trained.task,
        classes=trained.classes,
        is_probability=method == "predict_proba",
        score=trained.score,
        prepare=trained.prepared,
        is_float32=draft.is_float32,
        parameters=trained.parameters,
    )


def _scores(trained: Trained, method: str, names: list[str], draft: Draft) -> list[str]:
    try:
        return drafts.apply(trained.estimator, method, names, draft)
    except UnknownFormulaError:
        is_number = trained.task == "regression" or method == "predict_proba"
        outputs = onnx.converted(trained.estimator, names, draft) if is_number else None
        if outputs is None:
            raise
        return outputs


def _method(trained: Trained) -> str:
    if trained.task != "classification":
        return METHODS[trained.task][0]
    return "predict_proba" if hasattr(trained.estimator, "predict_proba") else "decision_function"


def _result(outputs: list[str], trained: Trained, parts: tuple[str, ...]) -> Result:
    if trained.task == "clustering":
        labels = ["cluster", "distance"][: len(outputs)]
        types = ["INTEGER", "DOUBLE"][: len(outputs)]
        return Result(tuple(outputs), tuple(labels), tuple(types))
    if len(outputs) == 1:
        return Result(tuple(outputs), ("score",), ("DOUBLE",))
    labels = parts or tuple(f"component_{place}" for place in range(len(outputs)))
    labels = trained.classes if trained.task == "classification" else labels
    if len(labels) != len(outputs):
        raise UnknownFormulaError(f"{type(trained.estimator).__name__} with one decision for each pair of classes")
    return Result(tuple(outputs), tuple(labels), ("DOUBLE",) * len(outputs))
