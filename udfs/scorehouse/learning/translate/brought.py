"""Models that were fitted elsewhere become versions like any other: each format's file registers how it is read."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted, Score
from scorehouse.learning.declare.labels import Labels
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.scoring.columns import NUMERIC
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.steps import Inputs, Result

BINARY = ("binary", "cross_entropy", "binary:logistic", "reg:logistic")
SEVERAL = ("multiclass", "multiclassova", "multi:softprob", "multi:softmax")

Reader = Callable[[pa.Table, Spec, str], tuple[Fitted, Examples]]
_FORMATS: dict[str, Reader] = {}


def format_of(name: str) -> Callable[[Reader], Reader]:
    """Register the reader of a format by the name that meta.estimator gives it."""

    def register(reader: Reader) -> Reader:
        _FORMATS[name] = reader
        return reader

    return register


def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A brought model, and the examples that it is measured on.

    Raises ScorehouseError when the model cannot be read or the examples lack one of its features.
    """
    if spec.estimator not in _FORMATS:
        raise ScorehouseError(
            f"{where}: meta.estimator: expected one of {', '.join(_FORMATS)}, found '{spec.estimator}'; correct it."
        )
    try:
        return _FORMATS[spec.estimator](table, spec, where)
    except UnknownFormulaError as error:
        raise ScorehouseError(
            f"{where}: expected a model for {spec.estimator} in {spec.model_file or 'meta.model_text'}, found {error}; "
            f"export it again, or name another format in meta.estimator ({', '.join(_FORMATS)})."
        ) from None


@dataclass(frozen=True)
class Brought:
    """What a model over numbers says of itself.

    Attributes:
        features: names of its inputs in order; empty where it names none.
        objective: what its scores are.
        write: writes its formula over named columns, and gives the names of the scores.
        own_scores: those of the library that it comes from, of a matrix [rows, features]; None where that is not installed.
    """

    features: tuple[str, ...]
    objective: str
    write: Callable[[list[str], Draft], list[str]]
    own_scores: Callable[[np.ndarray], np.ndarray] | None = None


def over_numbers(table: pa.Table, spec: Spec, where: str, brought: Brought) -> tuple[Fitted, Examples]:
    """A model over numbers: its features are columns of the examples, by name."""
    named = replace(spec, features={NUMERIC: brought.features}) if brought.features else spec
    examples = Examples.read(table, named, where)
    draft = Draft()
    names = draft.add(Inputs.of(examples.kinds))
    outputs = brought.write(list(brought.features) or names, draft)
    is_classifier = brought.objective in (*BINARY, *SEVERAL)
    classes = _classes(examples, 2 if brought.objective in BINARY else len(outputs)) if is_classifier else ()
    labels = ("score",) if len(outputs) == 1 else classes or tuple(f"component_{i}" for i in range(len(outputs)))
    draft.add(Result(tuple(outputs), labels, ("DOUBLE",) * len(outputs)))
    fitted = Fitted(
        Formula(tuple(draft.operations)),
        "classification" if is_classifier else "regression",
        classes,
        is_classifier,
        score=_over_columns(brought, names),
        is_float32=draft.is_float32,
    )
    return fitted, examples


def _over_columns(brought: Brought, names: list[str]) -> Score | None:
    if brought.own_scores is None:
        return None
    order = brought.features or names
    return lambda rows: brought.own_scores(np.column_stack([rows[name] for name in order]))


def _classes(examples: Examples, count: int) -> tuple[str, ...]:
    """The label's values in order, or numbers where there are no labels of so many classes."""
    found = Labels.of(examples.label, "classification").classes if examples.spec.label and len(examples) else ()
    return found if len(found) == count else tuple(str(place) for place in range(count))
