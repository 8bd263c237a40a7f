"""A formula being written: from fitted scikit-learn objects to operations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from scorehouse.scoring.steps import Linear, Lookup, Operation


class UnknownFormulaError(Exception):
    """A fitted object whose formula is not known; the message says which and why, `todo` what to do."""

    def __init__(self, found: str, todo: str | None = None) -> None:
        super().__init__(found)
        self.todo = todo


@dataclass
class Draft:
    """Operations so far, and what the columns that still are categories mean.

    Attributes:
        operations: in order.
        categories: for a column of categories, the category behind each code.
        is_float32: whether the model itself calculates in float32.
        unknown_code: the number that stands for a category without a code.
        parts: names of several scores that are no classes, where the model has some.
        texts: columns that hold categories as texts, without codes.
        null: what stands for NULL among them, NaN or None, which scikit-learn tells apart.
        guards: columns that are missing in rows which the model itself refuses.
    """

    operations: list[Operation] = field(default_factory=list)
    categories: dict[str, list[str]] = field(default_factory=dict)
    unknown_code: float = -1.0
    is_float32: bool = False
    parts: tuple[str, ...] = ()
    texts: set[str] = field(default_factory=set)
    null: float | None = np.nan
    guards: list[str] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def fresh(self, name: str) -> str:
        """A column name that is not taken yet: the name itself, or with the first free number."""
        found, number = name, 2
        while found in self._names:
            found, number = f"{name} {number}", number + 1
        self._names.add(found)
        return found

    def add(self, operation: Operation) -> list[str]:
        """Append an operation; gives the names of its columns."""
        self._names.update(operation.outputs)
        self.operations.append(operation)
        return list(operation.outputs)

    def step(self, make: Callable[..., Operation], source: str, suffix: str, *learned: object, **named: object) -> str:
        """Append an operation from one column to one column."""
        return self.add(make(source, self.fresh(suffix), *learned, **named))[0]

    def linear(
        self, inputs: Sequence[str], names: Sequence[str], coefficients: np.ndarray, intercepts: np.ndarray | float
    ) -> list[str]:
        """Append a weighted sum for each name."""
        outputs = [self.fresh(name) for name in names]
        return self.add(Linear.of(self.numbers(inputs), outputs, coefficients, np.asarray(intercepts)))

    def numbers(self, names: Sequence[str]) -> list[str]:
        """The columns as numbers: a category becomes its code.

        Raises UnknownFormulaError for a category without a code.
        """
        for name in names:
            if name in self.texts:
                raise UnknownFormulaError(f"a step that takes the texts of {name} for numbers")
        return [self._coded(name) if name in self.categories else name for name in names]

    def _coded(self, name: str) -> str:
        known = self.categories[name]
        table = np.array([*range(len(known)), np.nan], np.float64)[:, None]
        output = self.fresh(f"{name} code")
        lookup = Lookup((name,), (output,), (*known, None), table, np.array([self.unknown_code]))
        return self.add(lookup)[0]


Translator = Callable[[object, list[str], Draft], list[str]]
Found = TypeVar("Found")
_FORMULAS: dict[str, dict[str, Translator]] = {}
"""Translators by the method they write, and by class."""


def formula_of(method: str, *classes: str) -> Callable[[Translator], Translator]:
    """Register a translator for a method of some classes, each given as package.Class."""

    def register(translator: Translator) -> Translator:
        _FORMULAS.setdefault(method, {}).update(dict.fromkeys(classes, translator))
        return translator

    return register


def apply(model: object, method: str, inputs: list[str], draft: Draft) -> list[str]:
    """Write the formula of `model.method(inputs)`; gives the names of the columns it makes.

    Raises UnknownFormulaError when it is not known.
    """
    translator = _translator(model, method)
    if translator is None:
        raise UnknownFormulaError(f"{method} of {type(model).__name__}", "convert it to ONNX")
    return translator(model, inputs, draft)


def _translator(model: object, method: str) -> Translator | None:
    return by_class(type(model), _FORMULAS.get(method, {}))


def by_class(kind: type, known: Mapping[str, Found]) -> Found | None:
    """What is known of a class by its name package.Class, or of the nearest class that it inherits from."""
    names = (f"{base.__module__.split('.')[0]}.{base.__name__}" for base in kind.__mro__)
    return next((known[name] for name in names if name in known), None)
