"""The declaration of a fitted model, read from a dbt model's meta."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from scorehouse.errors import ScorehouseError

KNOWN = {"estimator", "parameters", "label", "key", "split", "features", "preprocessing", "seed", "minimum_examples"}


@dataclass(frozen=True)
class Split:
    """The later-in-time split.

    Attributes:
        time: the examples' time column.
        test_periods: how many of the latest distinct times are the test.
        train_periods: how many of the latest times before them train (None: all).
        horizon_days: a label looks so far ahead; a training time whose label would overlap the test is left out.
    """

    time: str
    test_periods: int = 1
    train_periods: int | None = None
    horizon_days: int = 0

    @property
    def horizon(self) -> timedelta:
        """The label's horizon."""
        return timedelta(days=self.horizon_days)


@dataclass(frozen=True)
class Preprocessing:
    """What happens to numeric features before the estimator; text features become one indicator a category.

    Attributes:
        impute: 'median', 'mean', 'zero' or None (missing stays missing: for estimators that take it).
        is_scaled: whether numeric columns are standardised.
        log: features taken as sign(x) * ln(1 + |x|), or True for all numeric ones.
        minimum_count: a category seen fewer times gets no indicator.
    """

    impute: str | None = "median"
    is_scaled: bool = True
    log: bool | tuple[str, ...] = False
    minimum_count: int = 1


@dataclass(frozen=True)
class Spec:
    """The whole declaration (see the README, 'Bring your own model')."""

    estimator: str
    label: str
    key: tuple[str, ...]
    split: Split
    parameters: Mapping[str, object] = field(default_factory=dict)
    features: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preprocessing: Preprocessing = Preprocessing()
    seed: int = 0
    minimum_examples: int = 50

    @classmethod
    def read(cls, where: str, meta: Mapping[str, object]) -> "Spec":
        """Read a model's meta; raises ScorehouseError for what is missing or unknown."""
        declared = {name: value for name, value in meta.items() if name in KNOWN}
        missing = [name for name in ("estimator", "label", "key", "split") if name not in declared]
        if missing:
            raise ScorehouseError(f"{where}: expected meta.{missing[0]} for a fitted model, found none; declare it.")
        preprocessing = dict(declared.get("preprocessing") or {})
        numeric = _only(where, "preprocessing.numeric", preprocessing.pop("numeric", {}), {"impute", "scale", "log"})
        text = _only(
            where, "preprocessing.categorical", preprocessing.pop("categorical", {}), {"encode", "minimum_count"}
        )
        _only(where, "preprocessing", preprocessing, set())
        split = _only(where, "split", declared["split"], set(Split.__dataclass_fields__))
        log = numeric.get("log", False)
        return cls(
            estimator=str(declared["estimator"]),
            label=str(declared["label"]),
            key=tuple(declared["key"]),
            split=Split(**split),
            parameters=dict(declared.get("parameters") or {}),
            features={group: tuple(names) for group, names in (declared.get("features") or {}).items()},
            preprocessing=Preprocessing(
                impute=numeric.get("impute", "median"),
                is_scaled=numeric.get("scale", "standard") == "standard",
                log=log if isinstance(log, bool) else tuple(log),
                minimum_count=int(text.get("minimum_count", 1)),
            ),
            seed=int(declared.get("seed", 0)),
            minimum_examples=int(declared.get("minimum_examples", 50)),
        )

    def make_estimator(self, where: str) -> object:
        """An estimator by its import path, with its parameters; raises ScorehouseError when there is no such thing."""
        module, _, name = self.estimator.rpartition(".")
        try:
            kind = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError):
            raise ScorehouseError(
                f"{where}: meta.estimator: expected the import path of a scikit-learn estimator, found '{self.estimator}'."
            ) from None
        allowed = set(kind().get_params()) if hasattr(kind, "get_params") else set()
        unknown = sorted(set(self.parameters) - allowed)
        if unknown:
            raise ScorehouseError(
                f"{where}: meta.parameters: expected parameters of {name}, found '{unknown[0]}'; "
                f"it has {', '.join(sorted(allowed))}."
            )
        seed = {"random_state": self.seed} if "random_state" in allowed else {}
        return kind(**{**seed, **self.parameters})


def _only(where: str, name: str, found: object, allowed: set[str]) -> dict[str, object]:
    if not isinstance(found, Mapping):
        raise ScorehouseError(f"{where}: meta.{name}: expected a mapping, found '{found}'.")
    unknown = sorted(set(found) - allowed)
    if unknown:
        expected = ", ".join(sorted(allowed)) or "nothing else"
        raise ScorehouseError(f"{where}: meta.{name}: expected {expected}, found '{unknown[0]}'.")
    return dict(found)
