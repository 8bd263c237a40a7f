"""Models that were fitted elsewhere become versions like any other: each format's file registers how it is read.

A format's file says two things that must not know of each other: the formula that it reads from the file, and what the file's
own library predicts when it is given the very file and raw rows by name, categories as values. `prove.parity` compares them.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples, Feature
from scorehouse.learning.declare.fitted import Fitted, RefusedRowsError
from scorehouse.learning.declare.labels import Labels, class_name
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate import refusals
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.learning.translate.trees import as_float32
from scorehouse.scoring.columns import CATEGORICAL, NUMERIC, Column
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.guards import guarded
from scorehouse.scoring.simplify import needed
from scorehouse.scoring.steps import Blank, Inputs, Known, Lookup, Result

if TYPE_CHECKING:
    import pandas

WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
"""DuckDB's, signed; the unsigned ones begin with U."""

LARGEST_WHOLE = 2.0**53
"""Beyond it a double is no exact whole number."""

CLASSIFICATION, REGRESSION = "classification", "regression"
NONE = "none"
WORDS = ("columns", "classes", "targets", "missing")
"""What `over_columns` can ask of a declaration, whatever the format."""

TRAINING_WORDS = ("preprocessing", "steps", "search", "class_weight", "calibration", "monotonic")
"""What a declaration says of training; a model that comes fitted would not heed it."""

Reader = Callable[[pa.Table, Spec, str], tuple[Fitted, Examples]]
Category = str | int | bool
_FORMATS: dict[str, Reader] = {}


def format_of(name: str) -> Callable[[Reader], Reader]:
    """Register the reader of a format by the name that meta.estimator gives it."""

    def register(reader: Reader) -> Reader:
        _FORMATS[name] = reader
        return reader

    return register


def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A brought model, and the examples that it is proved and measured on.

    Raises ScorehouseError when the model cannot be read, needs to be told what its file does not say, or the examples lack one
    of its features.
    """
    if spec.estimator not in _FORMATS:
        raise ScorehouseError(
            f"{where}: meta.estimator: expected one of {', '.join(_FORMATS)}, found '{spec.estimator}'; correct it, or convert "
            f"the model to one of these formats."
        )
    try:
        return _FORMATS[spec.estimator](table, spec, where)
    except UnknownFormulaError as error:
        raise ScorehouseError(
            f"{where}: expected a model for {spec.estimator} in {spec.model_file or 'meta.model_text'}, found {error}; "
            f"{error.todo or 'export it again'}, or name another format in meta.estimator ({', '.join(_FORMATS)})."
        ) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # what a malformed file can lead to
        raise ScorehouseError(
            f"{where}: expected a model for {spec.estimator} in {spec.model_file or 'meta.model_text'}, found one that cannot be "
            f"read ({type(error).__name__}: {_said(error)}); export it again."
        ) from error


def library(where: str, name: str, extra: str) -> ModuleType:
    """The package that proves a model.

    Raises ScorehouseError where it is not installed: a model that nobody can prove is not served.
    """
    try:
        return import_module(name)
    except ImportError:
        raise ScorehouseError(
            f"{where}: expected the package {name}, whose own predictions prove the model, found none; "
            f"install scorehouse[{extra}]."
        ) from None


# ---------------------------------------------------------------- what the file cannot say


@dataclass(frozen=True)
class Declared:
    """What `meta.parameters` says of a brought model, beyond its file.

    Attributes:
        columns: the select's columns in the order of the model's inputs.
        classes: names of the classes in the order of the model's codes.
        targets: names of the numbers that the model predicts side by side.
        missing: a number that means missing in the rows, as NULL does.
        says_missing: whether the declaration says anything of such a number, also that there is none.
        output: which output of the model is served.
        rounds: best for those up to the best round of early stopping, or all.
    """

    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    missing: float | None = None
    output: str | None = None
    rounds: str = "best"
    says_missing: bool = False

    @classmethod
    def read(cls, spec: Spec, where: str, *own: str) -> Self:
        """The declaration in `meta.parameters`, of a format that knows these words beside those of all.

        Raises ScorehouseError for any other word, for one of a wrong kind, and for what only training would heed.
        """
        for name in TRAINING_WORDS:
            if getattr(spec, name):
                raise ScorehouseError(
                    f"{where}: meta.{name}: expected none for a model that comes fitted, found one; "
                    f"do in the select what it is meant to do."
                )
        words = (*WORDS, *own)
        unknown = sorted(set(spec.parameters) - set(words))
        if unknown:
            raise ScorehouseError(
                f"{where}: meta.parameters: expected {', '.join(words)}, found '{unknown[0]}'; correct its name, or leave it out."
            )
        given = {name: value for name, value in spec.parameters.items() if value not in (None, NONE)}
        for name in {"columns", "classes", "targets"} & set(given):
            given[name] = _names(where, name, given[name])
        if isinstance(given.get("missing", 0.0), bool) or not isinstance(given.get("missing", 0.0), int | float):
            raise ScorehouseError(f"{where}: meta.parameters.missing: expected a number, found '{given['missing']}'; correct it.")
        if given.get("rounds", "best") not in ("best", "all"):
            raise ScorehouseError(
                f"{where}: meta.parameters.rounds: expected best or all, found '{given['rounds']}'; choose one."
            )
        if not isinstance(given.get("output", ""), str):
            raise ScorehouseError(f"{where}: meta.parameters.output: expected a name, found '{given['output']}'; quote it.")
        return cls(**given, says_missing="missing" in spec.parameters)


def _wrong(where: str, word: str, expected: str, found: object) -> ScorehouseError:
    return ScorehouseError(f"{where}: meta.parameters.{word}: expected {expected}, found '{found}'; correct it.")


def _names(where: str, word: str, value: object) -> tuple[str, ...]:
    """A list of names that DuckDB tells apart."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
        raise ScorehouseError(f"{where}: meta.parameters.{word}: expected a list of names, found '{value}'; write [a, b].")
    names = tuple(class_name(name) if isinstance(name, str | int | float) else str(name) for name in value)
    same = alike(names)
    if same or "" in names:
        found = f"'{same[0]}' and '{same[1]}'" if same else "an empty one"
        raise ScorehouseError(
            f"{where}: meta.parameters.{word}: expected names that differ in more than case, found {found}; rename one."
        )
    return names


def alike(names: Sequence[str]) -> tuple[str, str] | None:
    """The first two names that DuckDB takes for one.

    >>> alike(["amount", "Visits", "visits"])
    ('Visits', 'visits')
    """
    known: dict[str, str] = {}
    for name in names:
        if name.lower() in known:
            return known[name.lower()], name
        known[name.lower()] = name
    return None


# ---------------------------------------------------------------- what the file says


@dataclass(frozen=True, eq=False)
class Rows:
    """Raw rows as a library is asked about them: columns by the names of the model, categories as values.

    Attributes:
        columns: by the model's own name for an input: float64 [rows] with NaN for NULL, or an Arrow array of the type that the
            select gives, for categories.
        missing: the number that means missing, where one is declared.
    """

    columns: Mapping[str, Column]
    missing: float | None = None

    def matrix(self) -> np.ndarray:
        """float64 [rows, inputs] of a model over numbers alone."""
        return np.column_stack(list(self.columns.values()))

    def unmarked(self) -> "Rows":
        """The same rows with NaN for the number that means missing, for a library that has no word for it."""
        if self.missing is None:
            return self
        return Rows({name: _unmarked(values, self.missing) for name, values in self.columns.items()})

    def frame(self, where: str, extra: str) -> "pandas.DataFrame":
        """The rows as pandas has them: a categorical column for each of categories, of just the values in it."""
        pandas = library(where, "pandas", extra)
        made = {
            name: values if isinstance(values, np.ndarray) else _categorical(values, pandas)
            for name, values in self.columns.items()
        }
        return pandas.DataFrame(made)


def _unmarked(values: Column, marker: float) -> Column:
    is_marked = isinstance(values, np.ndarray) and (values == marker).any()
    return np.where(values == marker, np.nan, values) if is_marked else values


def _categorical(values: pa.Array, pandas: ModuleType) -> "pandas.Categorical":
    known = sorted(pc.unique(values).drop_null().to_pylist())
    codes = pc.fill_null(pc.index_in(values, value_set=pa.array(known, values.type)), -1) if known else None
    codes = np.full(len(values), -1) if codes is None else codes.to_numpy(zero_copy_only=False)
    whole = bool(known) and isinstance(known[0], int) and not isinstance(known[0], bool)
    return pandas.Categorical.from_codes(
        codes, categories=np.array(known, np.int64) if whole else pandas.Index(known, dtype=object)
    )


Predict = Callable[[Rows], np.ndarray]


@dataclass(frozen=True, eq=False)
class Brought:
    """What a file says of its model, and what its library predicts.

    Attributes:
        inputs: the model's own names of its inputs in order; empty where the file has none.
        outputs: how many scores a row has.
        write: writes the formula over named columns, and gives the names of the scores.
        predict: the library's own scores of raw rows: float64 [rows], or [rows, outputs].
        package: of the library, named in messages.
        categories: by place of an input that takes categories as values: those that the file knows, in the order of its codes;
            empty where it takes the values themselves.
        is_classifier: whether the scores are those of classes; with one output, of the second of two.
        is_probability: whether they are probabilities.
        classes: their names, where the file has them.
        targets: names of several outputs that are no classes, where the file has them.
        refuses_unseen: whether the library refuses a category that the file does not know.
        without_nan: places of inputs that take categories as they are whose NULL is None to the library; to others it is NaN.
        missing: the number that means missing, where one is declared.
        is_float32: whether the library compares numbers in float32.
        takes_marker: whether the library can be told of a number that means missing, without the file knowing it.
        learned_missing: places of inputs of which some rows that such a model was fitted on had none.
        remark: what is to be said of a version of it.
    """

    inputs: tuple[str, ...]
    outputs: int
    write: Callable[[list[str], Draft], list[str]]
    predict: Predict
    package: str
    categories: Mapping[int, tuple[Category, ...]] = field(default_factory=dict)
    is_classifier: bool = False
    is_probability: bool = False
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    refuses_unseen: bool = False
    without_nan: frozenset[int] = frozenset()
    missing: float | None = None
    is_float32: bool = False
    takes_marker: bool = False
    learned_missing: frozenset[int] = frozenset()
    remark: str | None = None


def over_columns(
    table: pa.Table, spec: Spec, where: str, brought: Brought, declared: Declared, columns: tuple[str, ...]
) -> tuple[Fitted, Examples]:
    """A brought model over columns of the examples, one for each input (see `input_columns`).

    Raises ScorehouseError when a column does not hold what its input takes, or it is not clear what an output is called.
    """
    texts = {columns[place] for place in brought.categories}
    groups = {NUMERIC: tuple(c for c in columns if c not in texts), CATEGORICAL: tuple(c for c in columns if c in texts)}
    chosen = replace(spec, features={group: names for group, names in groups.items() if names})
    examples = Examples.read(table, chosen, where)
    kinds = {feature.name: feature for feature in examples.features}
    for place, known in brought.categories.items():
        _expect_values(kinds[columns[place]], known, examples, where)
    if brought.is_classifier and brought.outputs == 2:
        brought = _second_of(brought)
    if brought.takes_marker and not declared.says_missing:
        _expect_no_marker(examples, {columns[place] for place in brought.learned_missing}, where)
    classes = _classes(brought, declared, examples, where)
    labels = classes if len(classes) > 2 else _targets(brought, declared, spec, where)
    same = ("", "another class") if "" in labels else alike(labels)
    if same:
        raise ScorehouseError(
            f"{where}: expected outputs with names that differ in more than case, found '{same[0]}' and '{same[1]}' in the "
            f"model; export it with other names."
        )
    formula, is_float32 = _formula(brought, columns, examples, labels)
    fitted = Fitted(
        formula,
        CLASSIFICATION if brought.is_classifier else REGRESSION,
        classes,
        brought.is_probability,
        score=_asked(brought, columns, kinds),
        is_float32=is_float32,
        library=brought.package,
        remark=brought.remark,
    )
    return fitted, examples


def _second_of(brought: Brought) -> Brought:
    """A model with a score for each of two classes, of which the second's is served."""
    return replace(
        brought,
        outputs=1,
        write=lambda names, draft: brought.write(names, draft)[1:],
        predict=lambda rows: brought.predict(rows)[:, 1],
    )


def _formula(brought: Brought, columns: tuple[str, ...], examples: Examples, labels: tuple[str, ...]) -> tuple[Formula, bool]:
    draft = Draft(unknown_code=float("nan"), refuse=refusals.of_step)
    draft.add(Inputs.of(examples.kinds))
    known_texts = {columns[place]: [as_text(value) for value in known] for place, known in brought.categories.items() if known}
    draft.categories |= known_texts
    draft.texts |= {columns[place]: columns[place] for place, known in brought.categories.items() if not known}
    draft.nulls |= {columns[place]: None for place in brought.without_nan}
    fed = list(columns)
    if brought.missing is not None:
        low, high = _around(brought.missing) if brought.is_float32 else (brought.missing, brought.missing)
        fed = [
            n if n in {*draft.categories, *draft.texts} else draft.step(Blank.of, n, f"{n} or missing", low=low, high=high)
            for n in fed
        ]
    if brought.refuses_unseen:
        draft.guards += [_guard(name, draft) for name in fed if name in draft.categories]
    outputs = brought.write(fed, draft)
    if draft.guards:
        known = Known((*outputs, *draft.guards), tuple(draft.fresh(f"{name} if known") for name in outputs))
        makers = {name: operation for operation in draft.operations for name in operation.outputs}
        draft.operations += guarded(known, makers)
        outputs = list(known.outputs)
    draft.add(Result(tuple(outputs), labels if len(outputs) > 1 else ("score",), ("DOUBLE",) * len(outputs)))
    return Formula(tuple(needed(draft.operations))), draft.is_float32


def _around(marker: float) -> tuple[float, float]:
    """The first and the last double that are the marker once they are rounded to float32."""
    rounded = np.float32(marker)
    below = as_float32(np.array([np.nextafter(rounded, np.float32(-np.inf))], np.float64))[0]
    return float(np.nextafter(below, np.inf)), float(as_float32(np.array([rounded], np.float64))[0])


def _guard(name: str, draft: Draft) -> str:
    """0 for a category that the model knows and for NULL, else missing."""
    known = draft.categories[name]
    table, unknown = np.zeros((len(known) + 1, 1)), np.array([np.nan])
    return draft.add(Lookup((name,), (draft.fresh(f"{name} is known"),), (*known, None), table, unknown))[0]


def _asked(brought: Brought, columns: tuple[str, ...], kinds: Mapping[str, Feature]) -> Callable[[dict[str, Column]], np.ndarray]:
    """The library's scores of columns as they are read here; whatever it raises is a ValueError with its words."""
    names = brought.inputs or tuple(f"f{place}" for place in range(len(columns)))

    def score(features: dict[str, Column]) -> np.ndarray:
        rows = Rows({name: as_selected(features[c], kinds[c]) for name, c in zip(names, columns, strict=True)}, brought.missing)
        try:
            return np.asarray(brought.predict(rows), np.float64)
        except (ScorehouseError, RefusedRowsError):
            raise
        except Exception as error:  # libraries raise classes of their own
            raise ValueError(_said(error)) from error

    return score


def _said(error: Exception) -> str:
    """A library's words without its clock, its source's place and its stack."""
    words = " ".join(str(error).split("Stack trace")[0].split())
    return re.sub(r"^\[[0-9:]+\] \S+: (Check failed: )?", "", words)


def as_selected(values: Column, feature: Feature) -> Column:
    """A column as the type that the select gives it: booleans and whole numbers as such, unless some are missing."""
    if not isinstance(values, np.ndarray):
        kind = {"VARCHAR": pa.string(), "BOOLEAN": pa.bool_()}.get(feature.type, pa.int64())
        return values.cast(kind)
    if feature.type == "BOOLEAN" and np.isin(values, (0.0, 1.0)).all():
        return values.astype(bool)
    is_whole = feature.type.removeprefix("U") in WHOLE_TYPES and (np.abs(values) < LARGEST_WHOLE).all()
    return values.astype(np.int64) if is_whole and (values == np.trunc(values)).all() else values


def as_text(value: Category) -> str:
    """A category as a column of texts has it.

    >>> as_text(True), as_text(205), as_text(3.0), as_text("3.0")
    ('true', '205', '3', '3.0')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(int(value))


# ---------------------------------------------------------------- inputs


def input_columns(
    table: pa.Table, spec: Spec, where: str, inputs: Sequence[str], count: int, declared: Declared
) -> tuple[str, ...]:
    """The select's column for each of a model's inputs, in their order: by name, as DuckDB compares names, or as declared.

    Args:
        inputs: the model's own names; empty where it has none.
        count: how many there are.

    Raises ScorehouseError when there is no such column, or nothing says which is which.
    """
    _expect_distinct_inputs(inputs, where)
    given = {name.lower(): name for name in table.column_names}
    by_name = tuple(given.get(name.lower()) for name in inputs)
    if inputs and None not in by_name:
        _expect_agreement(by_name, declared, spec, where)
        return by_name
    listed = declared.columns or _ordered_features(spec)
    if listed:
        _expect_count(listed, count, where)
        return tuple(_column(name, given, where) for name in listed)
    if not inputs:
        raise ScorehouseError(
            f"{where}: expected meta.parameters.columns, since {spec.model_file or 'the model'} does not name its "
            f"{count} input{'s' * (count > 1)}, found none; list the select's columns in the order that the model was fitted on."
        )
    missing = [name for name, column in zip(inputs, by_name, strict=True) if column is None]
    raise ScorehouseError(
        f"{where}: expected the column{'s' * (len(missing) > 1)} {', '.join(missing)} of the model in the examples, found "
        f"{', '.join(table.column_names)}; select what is missing under that name, or list in meta.parameters.columns the "
        f"select's columns in the order of the model's inputs ({', '.join(inputs)})."
    )


def _column(name: str, given: Mapping[str, str], where: str) -> str:
    if name.lower() not in given:
        raise ScorehouseError(
            f"{where}: expected the column {name} in the examples, found {', '.join(given.values())}; select it, or correct its "
            f"name in meta."
        )
    return given[name.lower()]


def _ordered_features(spec: Spec) -> tuple[str, ...]:
    """The declared features where their order is clear: those of one group."""
    groups = list((spec.features or {}).values())
    return tuple(groups[0]) if len(groups) == 1 else ()


def _expect_count(listed: tuple[str, ...], count: int, where: str) -> None:
    if len(listed) != count:
        raise ScorehouseError(
            f"{where}: expected {count} columns, one for each input of the model, found {len(listed)} declared "
            f"({', '.join(listed)}); list exactly those that it was fitted on, in their order."
        )


def _expect_distinct_inputs(inputs: Sequence[str], where: str) -> None:
    same = alike(inputs)
    if same:
        raise ScorehouseError(
            f"{where}: expected inputs of the model whose names differ in more than case, found '{same[0]}' and '{same[1]}', "
            f"which DuckDB takes for one column; rename one before fitting."
        )


def _expect_agreement(columns: tuple[str, ...], declared: Declared, spec: Spec, where: str) -> None:
    """What is declared of the inputs although the file names them says the same as the file."""
    wanted = [name.lower() for name in columns]
    if declared.columns and [name.lower() for name in declared.columns] != wanted:
        raise ScorehouseError(
            f"{where}: meta.parameters.columns: expected the order that the model's own names say ({', '.join(columns)}), found "
            f"{', '.join(declared.columns)}; leave it out."
        )
    features = [name.lower() for names in (spec.features or {}).values() for name in names]
    different = sorted(set(features) ^ set(wanted)) if features else []
    if different:
        raise ScorehouseError(
            f"{where}: meta.features: expected the model's own inputs ({', '.join(columns)}), found {', '.join(features)}, which "
            f"differ in {different[0]}; leave it out, or correct it."
        )


def _expect_values(feature: Feature, known: tuple[Category, ...], examples: Examples, where: str) -> None:
    """Categories of one kind, which the column has, and of whose values the examples hold some."""
    kinds = {_kind(value) for value in known}
    expected = {str: "texts", bool: "booleans", int: "whole numbers"}.get(next(iter(kinds)) if len(kinds) == 1 else None)
    found = {"VARCHAR": str, "BOOLEAN": bool}.get(feature.type, int)
    if known and expected is None:
        raise ScorehouseError(
            f"{where}: feature {feature.name}: expected categories that are texts, whole numbers or booleans, found "
            f"{', '.join(repr(value) for value in known[:5])} in the model; fit it on one of these kinds."
        )
    if known and kinds != {found}:
        raise ScorehouseError(
            f"{where}: feature {feature.name}: expected {expected}, as the model's categories are "
            f"({', '.join(as_text(value) for value in known[:5])}), found {feature.type}; cast it in the select."
        )
    present = pc.unique(examples.columns[feature.name]).drop_null()
    texts = {as_text(value) for value in known}
    if known and len(present) and not texts & set(present.to_pylist()):
        raise ScorehouseError(
            f"{where}: feature {feature.name}: expected some of the model's categories ({', '.join(sorted(texts)[:5])}), found "
            f"none of them, but {', '.join(sorted(present.to_pylist())[:5])}; select what the model was fitted on, or correct "
            f"which column is which in meta.features or meta.parameters.columns."
        )


def _expect_no_marker(examples: Examples, learned: Collection[str], where: str) -> None:
    """No number among the examples may have meant missing to the model, or the declaration says whether it did.

    Args:
        learned: columns of which some rows that the model was fitted on had no value.
    """
    for name, values in examples.columns.items():
        if not isinstance(values, np.ndarray):
            continue
        found = _far_off(values) or (_missing_elsewhere(values) if name in learned else None)
        if found:
            marker, why = found
            raise ScorehouseError(
                f"{where}: feature {name}: expected meta.parameters.missing, since {int(np.sum(values == marker))} of "
                f"{len(examples)} examples are {marker:g}, {why}, and the file does not say whether that meant missing, found "
                f"none; declare missing: {marker:g}, or none."
            )


def _far_off(values: np.ndarray) -> tuple[float, str] | None:
    """A number such as 99 or -999 at an end, further off than all others span; and these words."""
    known = np.unique(values[np.isfinite(values)])
    for end, others in ((known[:1], known[1:]), (known[-1:], known[:-1])) if len(known) > 2 else ():
        gap, span = np.min(np.abs(others - end)), np.ptp(others)
        if gap > span and re.fullmatch(r"-?9{2,}\.0", str(float(end[0]))):
            return float(end[0]), f"far from all others ({others.min():g} to {others.max():g})"
    return None


def _missing_elsewhere(values: np.ndarray) -> tuple[float, str] | None:
    """0, or -1 below all others, of a column without NULLs that the model was fitted on with some; and these words."""
    if not len(values) or np.isnan(values).any():
        return None
    marker = -1.0 if np.min(values) == -1 and not ((values > -1) & (values < 0)).any() else 0.0
    why = "none is NULL, though the model learned where missing ones go"
    return (marker, why) if (values == marker).any() else None


def _kind(value: object) -> type | None:
    if isinstance(value, bool):
        return bool
    if isinstance(value, float):
        return int if value.is_integer() else None
    return type(value) if isinstance(value, str | int) else None


# ---------------------------------------------------------------- outputs


def _classes(brought: Brought, declared: Declared, examples: Examples, where: str) -> tuple[str, ...]:
    """Names of the classes in the order of the model's codes: the file's, else the declared ones, else the codes themselves."""
    if not brought.is_classifier:
        if declared.classes:
            raise ScorehouseError(
                f"{where}: meta.parameters.classes: expected none for a model that predicts numbers, found "
                f"{', '.join(declared.classes)}; leave it out."
            )
        return ()
    count = max(2, brought.outputs)
    if are_codes(brought.classes) and not set(brought.classes) & set(declared.classes):
        brought = replace(brought, classes=())
    if brought.classes and declared.classes and brought.classes != declared.classes:
        raise ScorehouseError(
            f"{where}: meta.parameters.classes: expected the model's own ({', '.join(brought.classes)}), found "
            f"{', '.join(declared.classes)}; leave it out."
        )
    names = brought.classes or declared.classes or tuple(str(code) for code in range(count))
    if len(names) != count:
        raise ScorehouseError(
            f"{where}: meta.parameters.classes: expected {count} names, one for each class of the model, found "
            f"{', '.join(names)}; list them in the order of the codes that it was fitted on."
        )
    _expect_labels(names, bool(brought.classes or declared.classes), examples, where)
    return names


def are_codes(classes: tuple[str, ...]) -> bool:
    """Whether names of classes are just their places, which say nothing of what they mean.

    >>> are_codes(("0", "1", "2")), are_codes(("10", "20")), are_codes(())
    (True, False, False)
    """
    return bool(classes) and classes == tuple(str(code) for code in range(len(classes)))


def _expect_labels(classes: tuple[str, ...], is_named: bool, examples: Examples, where: str) -> None:
    spec = examples.spec
    if not spec.label or not len(examples):
        return
    found = Labels.of(examples.label, CLASSIFICATION).classes
    unknown = [name for name in found if name not in classes]
    if unknown and is_named:
        raise ScorehouseError(
            f"{where}: column {spec.label}: expected labels among the model's classes ({', '.join(classes)}), found "
            f"'{unknown[0]}'; correct meta.parameters.classes, or leave such examples out."
        )
    if unknown:
        raise ScorehouseError(
            f"{where}: expected meta.parameters.classes, since the model knows its {len(classes)} classes only as numbers, found "
            f"none; list the values of {spec.label} ({', '.join(found[:5])}) in the order of the codes 0, 1, ... that it was "
            f"fitted on."
        )


def _targets(brought: Brought, declared: Declared, spec: Spec, where: str) -> tuple[str, ...]:
    """Names of several numbers side by side."""
    if brought.outputs == 1 or brought.is_classifier:
        if declared.targets:
            raise ScorehouseError(
                f"{where}: meta.parameters.targets: expected none for a model with one score or classes, found "
                f"{', '.join(declared.targets)}; leave it out."
            )
        return ()
    names = declared.targets or brought.targets
    if len(names) != brought.outputs:
        raise ScorehouseError(
            f"{where}: expected meta.parameters.targets, names for the {brought.outputs} numbers that "
            f"{spec.model_file or 'the model'} predicts side by side, found {', '.join(names) or 'none'}; list them in the "
            f"order of the model's outputs."
        )
    return names
