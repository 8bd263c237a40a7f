"""Labels as estimators take them."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels as an estimator takes them: the place of the class, or the number.

    Attributes:
        values: float64 or int64 [rows].
        classes: class names as texts.
    """

    values: np.ndarray
    classes: tuple[str, ...]

    @classmethod
    def of(cls, label: np.ndarray, task: str, known: tuple[str, ...] | None = None) -> Self:
        """Labels of a task; `known` are the classes of the training rows, a class that is not among them is -1."""
        if task != "classification":
            return cls(label, ())
        distinct, places = np.unique(label, return_inverse=True)
        names = [class_name(value) for value in distinct]
        classes = tuple(names) if known is None else known
        codes = np.array([classes.index(name) if name in classes else -1 for name in names], np.int64)
        return cls(codes[places] if len(codes) else places, classes)


def class_name(value: object) -> str:
    """A label's value as text.

    >>> class_name(np.float64(1.0)), class_name(np.str_("yes"))
    ('1', 'yes')
    """
    if isinstance(value, str):
        return str(value)
    return str(int(value)) if float(value).is_integer() else repr(float(value))
