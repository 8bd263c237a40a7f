"""What estimators say of themselves, and what a library's do otherwise than scikit-learn's own, as each library's file says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scorehouse.learning.translate.draft import by_class

TASKS = {
    "classifier": "classification",
    "regressor": "regression",
    "clusterer": "clustering",
    "density_estimator": "clustering",
    "outlier_detector": "outliers",
}
"""Tasks by scikit-learn's name for the type of an estimator; every other estimator is a decomposition."""


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


def task_of(estimator: object) -> str:
    """What an estimator does: classification, regression, clustering, outliers or decomposition.

    >>> from sklearn.decomposition import PCA
    >>> from sklearn.linear_model import Ridge
    >>> task_of(Ridge()), task_of(PCA())
    ('regression', 'decomposition')
    """
    return TASKS.get(getattr(_tags(estimator), "estimator_type", None), "decomposition")


def takes_missing(estimator: object) -> bool:
    """Whether an estimator takes NaN as missing."""
    tags = _tags(estimator)
    return tags is not None and tags.input_tags.allow_nan


def _tags(estimator: object) -> object | None:
    """What scikit-learn says about an estimator; None when it cannot say."""
    try:
        return estimator.__sklearn_tags__()
    except AttributeError:
        return None
