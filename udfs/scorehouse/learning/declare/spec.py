"""The declaration of a fitted model: what a model's `meta` may say."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from scorehouse.errors import ScorehouseError

DEFAULT_MINIMUM_EXAMPLES = 50
LARGEST_SEED = 2**32 - 1
LONGEST_HORIZON = 100_000
"""Days; a later time has no name in microseconds."""


@dataclass(frozen=True)
class Split:
    """The later-in-time split.

    Attributes:
        time: the examples' time column, dates or timestamps.
        test_periods: how many of the latest distinct times are the test.
        train_periods: how many of the times before them are trained on; None for all.
        train_rows: where these have fewer examples, as many more times are trained on as have so many; None for no more.
        horizon_days: a label looks so far ahead, or is known so late; a time whose label reaches into the test is not trained on.
            Or the column of the examples that says it, of which the largest number holds for all.
    """

    time: str
    test_periods: int = 1
    train_periods: int | None = None
    train_rows: int | None = None
    horizon_days: float | str = 0

    @property
    def horizon_column(self) -> str | None:
        """The column that says the horizon, where one does."""
        return self.horizon_days if isinstance(self.horizon_days, str) and self.horizon_days else None


@dataclass(frozen=True)
class Search:
    """The search over parameters.

    Attributes:
        parameters: values to try, by parameter of the estimator; every combination of them is a candidate.
        folds: how many of the latest training times are predicted, each from the times before it.
        metric: a scikit-learn scorer's name, silhouette or stable_silhouette; None for the task's own.
        candidates: try only so many combinations, drawn by the seed; None for all.
    """

    parameters: Mapping[str, Sequence[object]]
    folds: int = 3
    metric: str | None = None
    candidates: int | None = None


@dataclass(frozen=True)
class Spec:
    """A fitted model's declaration: what its meta says about learning.

    >>> Spec.read("models/churn.yml", {"estimator": "sklearn.linear_model.Ridge", "key": ["customer_id"], "owner": "ann"}).key
    ('customer_id',)

    Attributes:
        estimator: import path of a scikit-learn estimator, or a format of `learning.translate`, as scorehouse.lightgbm.
        parameters: of the estimator; a nested estimator is {estimator: import path, parameters: {...}}.
        label: the label's column; empty where the estimator needs none.
        key: columns that name an example; they fix the order of rows.
        group: column that says whom an example is about, so that nobody is on both sides of a fold; None for the first key.
        split: by time into training and test; None trains on every row.
        features: columns by group; None for every column that is not key, group, label, time, weight or slice.
        preprocessing: by group, {impute, log, scale, bins, encode, ...} or a list of {transformer, parameters}.
        steps: transformers between preprocessing and estimator, as a list of {transformer, parameters}.
        seed: of everything random, a whole number from 0 to `LARGEST_SEED`.
        minimum_examples: below so many training rows the version is insufficient_examples.
        refit: whether what serves is fitted again on everything, once it was measured on the test; of models with a label.
        search: over parameters of the estimator; None keeps those that are declared.
        class_weight: balanced, or weights by class.
        weight: column of example weights.
        calibration: isotonic or sigmoid.
        monotonic: 1 or -1 by feature: the score may only rise, or only fall, with it.
        slices: columns by whose values the metrics are repeated.
        coverage: share of outcomes that a regressor's interval is to cover, from 0 to below 1.
        separating: features that may separate the label alone without being called a leak.
        model_file, model_text: a fitted model to bring, as a file (its path starts at the project's root) or as its text.
        model_hash: of the file's content, so that another content is another declaration; found, not declared.
    """

    estimator: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    label: str | None = None
    key: tuple[str, ...] = ()
    group: str | None = None
    split: Split | None = None
    features: Mapping[str, tuple[str, ...]] | None = None
    preprocessing: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[Mapping[str, object], ...] = ()
    seed: int = 0
    minimum_examples: int = DEFAULT_MINIMUM_EXAMPLES
    refit: bool = True
    search: Search | None = None
    class_weight: str | Mapping[str, float] | None = None
    weight: str | None = None
    calibration: str | None = None
    monotonic: Mapping[str, int] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    coverage: float = 0.9
    separating: tuple[str, ...] = ()
    model_file: str | None = None
    model_text: str | None = None
    model_hash: str | None = None

    @classmethod
    def read(cls, where: str, meta: Mapping[str, Any]) -> Self:
        """The declaration in a model's meta; keys of meta that are not about learning are left alone.

        Raises ScorehouseError naming what is missing, malformed or nearly the name of another key. Reads the file that
        meta.model_file names.

        Args:
            where: the model's file, for messages.
            meta: by key, as YAML gives it.
        """
        known = {name.name for name in fields(cls)}
        for name in meta.keys() - known:
            refuse_misspelled(where, "meta", name, known)
        declared = {name: value for name, value in meta.items() if name in known and value is not None}
        if not isinstance(declared.get("estimator"), str):
            raise ScorehouseError(
                f"{where}: expected meta.estimator, found {declared.get('estimator', 'none')}; "
                f"name an estimator by its import path, for example sklearn.linear_model.LogisticRegression."
            )
        for name in ("group", "label", "weight", "model_file", "model_text"):
            _text(where, name, declared.get(name))
        for name in ("key", "slices", "separating", "steps"):
            declared[name] = _listed(where, name, declared.get(name, ()))
        for name in ("parameters", "preprocessing", "monotonic"):
            _mapping(where, name, declared.setdefault(name, {}))
        if "features" in declared:
            groups = _mapping(where, "features", declared["features"])
            declared["features"] = {group: _listed(where, f"features.{group}", names) for group, names in groups.items()}
        if "split" in declared:
            declared["split"] = _split(where, declared["split"])
        if "search" in declared:
            declared["search"] = _search(where, declared["search"])
        if declared.get("class_weight", "balanced") != "balanced":
            for name, value in _mapping(where, "class_weight", declared["class_weight"]).items():
                _within(where, f"class_weight.{name}", value, 0, None)
        _one_of(where, "calibration", declared.get("calibration"), ("isotonic", "sigmoid", None))
        _whole(where, "minimum_examples", declared.get("minimum_examples", 1), 1)
        if not isinstance(declared.get("refit", True), bool):
            raise ScorehouseError(f"{where}: meta.refit: expected true or false, found '{declared['refit']}'; correct it.")
        _whole(where, "seed", declared.get("seed", 0), 0, LARGEST_SEED)
        _within(where, "coverage", declared.get("coverage", 0.5), 0, 1)
        for feature, sign in declared["monotonic"].items():
            _one_of(where, f"monotonic.{feature}", sign, (1, -1))
        if declared.get("model_file"):
            content = _content(where, declared["model_file"])
            declared["model_hash"] = hashlib.sha256(content).hexdigest()
        return cls(**declared)

    @property
    def is_brought(self) -> bool:
        """Whether the estimator is a format of models that were fitted elsewhere.

        >>> Spec("scorehouse.lightgbm").is_brought, Spec("sklearn.linear_model.Ridge").is_brought
        (True, False)
        """
        return re.fullmatch(r"scorehouse\.[a-z_]+", self.estimator) is not None

    def columns(self) -> list[str] | None:
        """The columns of an example that are learned from; None where every column is.

        >>> Spec("sklearn.linear_model.Ridge", label="spend", key=("id",), features={"money": ("total",)}).columns()
        ['id', 'spend', 'total']
        """
        if self.features is None:
            return None
        of_split = [self.split.time, self.split.horizon_column] if self.split else []
        declared = [*self.key, self.group, self.label, *of_split, self.weight, *self.slices]
        features = [name for names in self.features.values() for name in names]
        return list(dict.fromkeys(name for name in [*declared, *features] if name))

    def model(self, where: str) -> bytes:
        """The content of the brought model: its declared text, or that of its file.

        Raises ScorehouseError where neither is declared, or no such file lies inside the working directory.
        """
        if self.model_text is None and self.model_file is None:
            raise ScorehouseError(f"{where}: expected meta.model_file for {self.estimator}, found none; name the file.")
        return self.model_text.encode() if self.model_text is not None else _content(where, self.model_file)

    def text(self) -> str:
        """The declaration as JSON, without what is empty; the same declaration always gives the same text.

        >>> Spec("sklearn.linear_model.Ridge", refit=False).text()
        '{"estimator": "sklearn.linear_model.Ridge", "seed": 0, "minimum_examples": 50, "refit": false, "coverage": 0.9}'
        """
        said = {name: value for name, value in asdict(self).items() if value not in (None, {}, (), [])}
        return json.dumps(said, default=str)  # the order of features is that of the formula


def refuse_misspelled(where: str, what: str, name: str, known: Collection[str]) -> None:
    """Raise ScorehouseError for a name that is nearly a known one; any other name may mean something to somebody else.

    >>> refuse_misspelled("models/churn.yml", "meta", "owner", ["estimator"])
    >>> refuse_misspelled("models/churn.yml", "meta", "estimater", ["estimator"])
    Traceback (most recent call last):
        ...
    scorehouse.errors.ScorehouseError: models/churn.yml: meta: expected estimator, found 'estimater'; correct its name.
    """
    near = meant(name, known)
    if near and name not in known:
        raise ScorehouseError(f"{where}: {what}: expected {near}, found '{name}'; correct its name.")


def meant(name: str, known: Collection[str]) -> str | None:
    """The known name that a name is, or nearly is; None where it is like none of them.

    >>> meant("estimater", ["estimator"]), meant("owner", ["estimator"])
    ('estimator', None)
    """
    return next(iter(get_close_matches(name, known, 1, cutoff=0.85)), None)


def _content(where: str, file: str) -> bytes:
    path = Path(file).resolve()
    if not path.is_relative_to(Path.cwd()) or not path.is_file():
        raise ScorehouseError(
            f"{where}: meta.model_file: expected a file inside the project, found '{file}'; write its path from the root."
        )
    return path.read_bytes()


def _listed(where: str, name: str, value: object) -> tuple:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ScorehouseError(f"{where}: meta.{name}: expected a list, found '{value}'; write [{value}].")
    return tuple(value)


def _mapping(where: str, name: str, value: object) -> Mapping:
    if not isinstance(value, Mapping):
        raise ScorehouseError(f"{where}: meta.{name}: expected names with values, found '{value}'; write name: value.")
    return value


def _part(where: str, name: str, kind: type, value: object) -> Any:
    given = _mapping(where, name, value)
    known = [part.name for part in fields(kind)]
    unknown = [key for key in given if key not in known]
    if unknown or known[0] not in given:
        found = unknown[0] if unknown else f"no {known[0]}"
        raise ScorehouseError(f"{where}: meta.{name}: expected {', '.join(known)}, found {found}; correct it.")
    return kind(**given)


def _split(where: str, value: object) -> Split:
    found = _part(where, "split", Split, value)
    _text(where, "split.time", found.time)
    _whole(where, "split.test_periods", found.test_periods, 0)
    for name in ("train_periods", "train_rows"):
        if getattr(found, name) is not None:
            _whole(where, f"split.{name}", getattr(found, name), 1)
    if found.horizon_column is None:
        _within(where, "split.horizon_days", found.horizon_days, 0, LONGEST_HORIZON)
    return found


def _search(where: str, value: object) -> Search:
    found = _part(where, "search", Search, value)
    for parameter, values in _mapping(where, "search.parameters", found.parameters).items():
        if not _listed(where, f"search.parameters.{parameter}", values):
            raise ScorehouseError(
                f"{where}: meta.search.parameters.{parameter}: expected values to try, found none; list them, or leave it out."
            )
    _whole(where, "search.folds", found.folds, 1)
    if found.candidates is not None:
        _whole(where, "search.candidates", found.candidates, 1)
    _text(where, "search.metric", found.metric)
    return found


def _text(where: str, name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise ScorehouseError(f"{where}: meta.{name}: expected one text, found '{value}'; correct it.")


def _whole(where: str, name: str, value: object, low: int, high: int | None = None) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ScorehouseError(f"{where}: meta.{name}: expected a whole number {limits}, found '{value}'; correct it.")


def _one_of(where: str, name: str, value: object, allowed: tuple) -> None:
    if value not in allowed:
        listed = ", ".join(str(choice) for choice in allowed if choice is not None)
        raise ScorehouseError(f"{where}: meta.{name}: expected one of {listed}, found '{value}'; choose one.")


def _within(where: str, name: str, value: object, low: float, high: float | None) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= low or (high is not None and value >= high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ScorehouseError(f"{where}: meta.{name}: expected a number {limits}, found '{value}'; correct it.")
