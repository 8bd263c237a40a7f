"""Labels as estimators take them."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels as an estimator takes them: the place of the class, or the number.

    >>> labels = Labels.of(np.array(["yes", "no", "yes"]), "classification")
    >>> labels.values, labels.classes
    (array([1, 0, 1]), ('no', 'yes'))
    >>> Labels.of(np.array(["no", "perhaps"]), "classification", labels.classes).values
    array([ 0, -1])

    Attributes:
        values: int64 [rows] of classes, float64 [rows] of numbers; None for a model without a label.
        classes: class names as texts, in the order of their values; empty unless it is classification.
    """

    values: np.ndarray
    classes: tuple[str, ...]

    @classmethod
    def of(cls, label: np.ndarray, task: str, known: tuple[str, ...] | None = None) -> Self:
        """Labels of a task.

        Args:
            label: float64 or texts [rows].
            task: only classification has classes; for every other task the label stays as it is.
            known: the classes of the training rows, a class that is not among them is -1; None for those of `label`.
        """
        if task != "classification":
            return cls(label, ())
        distinct, places = np.unique(label, return_inverse=True)
        names = [class_name(value) for value in distinct]
        classes = tuple(names) if known is None else known
        codes = np.array([classes.index(name) if name in classes else -1 for name in names], np.int64)
        return cls(codes[places] if len(codes) else places, classes)


def class_name(value: object) -> str:
    """A label's value as text; a whole number without a point.

    >>> class_name(np.float64(1.0)), class_name(np.str_("yes"))
    ('1', 'yes')
    """
    if isinstance(value, str):
        return str(value)
    return str(int(value)) if float(value).is_integer() else repr(float(value))
