"""What a library's estimators do otherwise than scikit-learn's own; each library's file says it for its classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scorehouse.learning.translate.draft import by_class


@dataclass(frozen=True)
class Conventions:
    """How an estimator is fed.

    Attributes:
        defaults: parameters that are set unless the declaration gives them.
        category_parameter: the parameter that lists the places of categorical columns; None where categories are not taken.
        monotonic_parameter: the one that takes a sign for each column; None for scikit-learn's own, if there is any.
        takes_any_parameter: whether parameters beyond those it lists mean something to it.
    """

    defaults: Mapping[str, object] = field(default_factory=dict)
    category_parameter: str | None = None
    monotonic_parameter: str | None = None
    takes_any_parameter: bool = False


_KNOWN: dict[str, Conventions] = {}


def declare(conventions: Conventions, *classes: str) -> None:
    """Say the conventions of some classes, each given as package.Class."""
    _KNOWN.update(dict.fromkeys(classes, conventions))


def conventions_of(kind: type) -> Conventions:
    """The conventions of a class, or of the nearest class that it inherits from; scikit-learn's for all others."""
    return by_class(kind, _KNOWN) or Conventions()
