"""Estimators by their import path: made, asked what they do, and what they refuse put into a sentence."""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import Spec, refuse_misspelled
from scorehouse.learning.translate.conventions import conventions_of


def declared_estimator(spec: Spec, where: str) -> BaseEstimator:
    """The declared estimator, not yet fitted: scikit-learn's interface, or an object that has `fit_version`.

    Parameters that are not declared are the class's own defaults, or those of `learning.translate.conventions`. Raises
    ScorehouseError when the path is not that of an estimator, or a parameter is not one of its own.

    Args:
        spec: the declaration.
        where: the model's file, for messages.
    """
    estimator = make(where, "estimator", spec.estimator, spec.parameters, spec.seed)
    if hasattr(estimator, "fit_version"):
        return estimator
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        raise ScorehouseError(
            f"{where}: meta.estimator: expected a scikit-learn estimator, found {spec.estimator}, which cannot be fitted; "
            f"name a class such as sklearn.linear_model.LogisticRegression."
        )
    undeclared = {name: v for name, v in conventions_of(type(estimator)).defaults.items() if name not in spec.parameters}
    return estimator.set_params(**undeclared) if undeclared else estimator


def make(where: str, name: str, path: object, parameters: Mapping[str, object], seed: int) -> object:
    """An object by import path and parameters; nested {estimator: ..., parameters: ...} are made too.

    Raises ScorehouseError naming `where` and `name` when there is no such class or parameter, or one that it needs is not given.

    >>> make("models/a.yml", "estimator", "sklearn.linear_model.Ridge", {"alpha": 2}, seed=7)
    Ridge(alpha=2, random_state=7)

    Args:
        where: the model's file, for messages.
        name: the key of meta that declares it, for messages.
        path: package.module.Class.
        parameters: of the class, by name.
        seed: the random_state of what has one and declares none.
    """
    kind = _imported(where, name, path)
    allowed = set(kind._get_param_names()) if hasattr(kind, "_get_param_names") else None
    accepts_any = allowed is None or conventions_of(kind).takes_any_parameter
    unknown = sorted(set(parameters) - (allowed or set()))
    if unknown and not accepts_any:
        raise ScorehouseError(
            f"{where}: meta.{name}: expected parameters of {path} ({', '.join(sorted(allowed))}), "
            f"found '{unknown[0]}'; correct its name."
        )
    for parameter in unknown if allowed else []:
        refuse_misspelled(where, f"meta.{name}", parameter, allowed)
    for parameter, value in parameters.items():
        if isinstance(value, str) and os.path.isfile(value):
            raise ScorehouseError(
                f"{where}: meta.{name}: expected parameters that are values, found {parameter}, which names the file {value}: "
                f"what stands in it could change unseen; give what it says as a parameter."
            )
    given = {key: nested(where, name, value, seed) for key, value in parameters.items()}
    if allowed and "random_state" in allowed:
        given.setdefault("random_state", seed)
    try:
        return kind(**given)
    except TypeError as error:
        raise ScorehouseError(
            f"{where}: meta.{name}: expected all parameters that {path} needs, found too few: {error}; declare them."
        ) from None


def nested(where: str, name: str, value: object, seed: int) -> object:
    """A parameter's value, with declarations of estimators inside it made into estimators; arguments and errors of `make`.

    >>> nested("models/a.yml", "estimator", ["drop", {"estimator": "sklearn.linear_model.Ridge"}], seed=7)
    ['drop', Ridge(random_state=7)]
    """
    if isinstance(value, Mapping) and "estimator" in value:
        return make(where, name, value["estimator"], value.get("parameters") or {}, seed)
    if isinstance(value, Mapping):
        return {key: nested(where, name, inner, seed) for key, inner in value.items()}
    if isinstance(value, list):
        return [nested(where, name, inner, seed) for inner in value]
    return value


def _imported(where: str, name: str, path: object) -> type:
    """The class at an import path; nothing is imported for it but packages of estimators, and nothing of them is called."""
    module, _, attribute = str(path).rpartition(".")
    package = module.split(".")[0]
    try:
        if not _has_estimators(package):
            raise ScorehouseError(
                f"{where}: meta.{name}: expected a class of scikit-learn's interface, found '{path}', of a package without any; "
                f"name one such as sklearn.linear_model.LogisticRegression."
            )
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, type):
            raise AttributeError(f"{path} is not a class")
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        is_absent = isinstance(error, ModuleNotFoundError) and error.name == package and package
        todo = f"install the package {package}" if is_absent else "correct it"
        raise ScorehouseError(
            f"{where}: meta.{name}: expected an import path such as sklearn.linear_model.LogisticRegression, "
            f"found '{path}'; {todo}."
        ) from None
    if not any(callable(getattr(found, method, None)) for method in ("get_params", "fit_version")):
        raise ScorehouseError(
            f"{where}: meta.{name}: expected a class of scikit-learn's interface, found '{path}', which has no get_params; "
            f"inherit from sklearn.base.BaseEstimator."
        )
    return found


@cache
def _has_estimators(package: str) -> bool:
    """Whether a package may hold estimators: scikit-learn, what is made for it, and the project's own; an absent one may.

    >>> [_has_estimators(package) for package in ("sklearn", "lightgbm", "subprocess", "numpy", "absent")]
    [True, True, False, False, True]
    """
    if package in sys.stdlib_module_names:
        return False
    found = importlib.util.find_spec(package) if package else None
    if found is None or package in ("sklearn", "scorehouse"):
        return True
    places = [Path(place) for place in [found.origin, *(found.submodule_search_locations or [])] if place]
    if not any({"site-packages", "dist-packages"} & set(place.parts) for place in places):
        return True  # the project's own
    distributions = metadata.packages_distributions().get(package, [])
    needed = [line for name in distributions for line in metadata.requires(name) or []]
    return any(re.match(r"scikit-learn\b", line) for line in needed)


def sample_weight(weight: np.ndarray | None) -> dict[str, np.ndarray]:
    """Example weights, float64 [rows], as the keyword with which the pipeline passes them to its last step; none for None."""
    return {} if weight is None else {"estimator__sample_weight": weight}


@contextmanager
def refusals(pipeline: Pipeline, where: str) -> Iterator[None]:
    """What a pipeline's last step refuses, whatever is raised inside, becomes one sentence: a ScorehouseError with `where`."""
    try:
        yield
    except Exception as error:
        name, words = type(pipeline[-1]).__name__, " ".join(str(error).split("Stack trace")[0].split()).removesuffix(".")
        if isinstance(error, InvalidParameterError):
            raise ScorehouseError(
                f"{where}: meta: expected parameters that scikit-learn takes, found: {words}; correct it."
            ) from error
        raise ScorehouseError(
            f"{where}: expected examples that {name} can be fitted on, found what it refuses: {words[:300]}; "
            f"correct the examples or the declaration."
        ) from error
