"""A formula being written: from fitted scikit-learn objects to operations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from scorehouse.scoring.steps import Linear, Lookup, Operation

INSTEAD = "convert it to ONNX, or fit it without that step"
LONGEST_CAUSE = 120


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
        texts: for a column that holds categories as texts, without codes, the raw column behind it.
        nulls: what stands for NULL in a raw column of texts, by name: None where a step says so, else NaN. scikit-learn tells
            them apart.
        guards: columns that are missing in rows which the model itself refuses.
        refuse: adds the guards of what a fitted step itself refuses (`refusals`); None where nobody asks.
    """

    operations: list[Operation] = field(default_factory=list)
    categories: dict[str, list[str]] = field(default_factory=dict)
    unknown_code: float = -1.0
    is_float32: bool = False
    parts: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    nulls: dict[str, None] = field(default_factory=dict)
    guards: list[str] = field(default_factory=list)
    refuse: "Refuse | None" = None
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

    def null_of(self, name: str) -> float | None:
        """What stands for NULL in a column of texts: None or NaN."""
        return self.nulls.get(self.texts[name], np.nan)

    def says_none(self, name: str) -> None:
        """Note that a step takes None for NULL in a column of texts."""
        self.nulls[self.texts[name]] = None

    def _coded(self, name: str) -> str:
        known = self.categories[name]
        table = np.array([*range(len(known)), np.nan], np.float64)[:, None]
        output = self.fresh(f"{name} code")
        lookup = Lookup((name,), (output,), (*known, None), table, np.array([self.unknown_code]))
        return self.add(lookup)[0]


Translator = Callable[[object, list[str], Draft], list[str]]
Refuse = Callable[[object, str, list[str], Draft], None]
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
    translator, named = _translator(model, method), f"{method} of {type(model).__name__}"
    if translator is None:
        raise UnknownFormulaError(named, INSTEAD)
    try:
        outputs = translator(model, inputs, draft)
    except UnknownFormulaError as error:
        error.todo = error.todo or INSTEAD
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # a form that nobody thought of
        cause = f"{type(error).__name__}: {' '.join(str(error).split())[:LONGEST_CAUSE]}"
        raise UnknownFormulaError(f"{named} in a form that is not translated ({cause})", INSTEAD) from error
    if draft.refuse is not None:
        draft.refuse(model, method, inputs, draft)
    return outputs


def _translator(model: object, method: str) -> Translator | None:
    return by_class(type(model), _FORMULAS.get(method, {}))


def by_class(kind: type, known: Mapping[str, Found]) -> Found | None:
    """What is known of a class by its name package.Class, or of the nearest class that it inherits from."""
    names = (f"{base.__module__.split('.')[0]}.{base.__name__}" for base in kind.__mro__)
    return next((known[name] for name in names if name in known), None)
