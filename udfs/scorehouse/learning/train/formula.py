"""The formula of a trained pipeline."""

from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.train.pipeline import Trained
from scorehouse.learning.translate import pipelines
from scorehouse.learning.translate.draft import Draft
from scorehouse.learning.translate.preprocessing import transform
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.steps import Inputs


def fitted_of_trained(trained: Trained) -> Fitted:
    """The trained pipeline as operations from raw features to the score.

    An estimator whose formula is not known, but whose score is a number or probabilities, is converted to ONNX where that is
    possible. Raises UnknownFormulaError naming the step whose formula is not known.
    """
    draft = Draft(categories=dict(trained.encoding.categories.items()))
    names = draft.add(Inputs.of(dict(trained.encoding.kinds)))
    for _, step in trained.pipeline.steps[:-1]:
        names = transform(step, names, draft)
    outputs = pipelines.scores(trained.estimator, trained.task, names, draft)
    draft.add(pipelines.result(outputs, trained.task, trained.classes, draft, type(trained.estimator).__name__))
    return Fitted(
        formula=Formula(tuple(draft.operations)),
        task=trained.task,
        classes=trained.classes,
        is_probability=pipelines.method_of(trained.estimator, trained.task) == pipelines.PROBABILITIES,
        score=trained.score,
        prepare=trained.prepared,
        is_float32=draft.is_float32,
        parameters=trained.parameters,
    )
