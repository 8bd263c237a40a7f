"""Reasons in words: the templates of the seed `reason_templates`, which become SQL over a row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scorehouse.build.manifest import Manifest
from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier, literal

TEMPLATES_SEED = "reason_templates"

EITHER = "either"
HOLDS = {"raises": "reason.contribution > 0", "lowers": "reason.contribution < 0", EITHER: "true"}
"""For which contributions a template is, by its direction."""

LOWERING = " (lowers the score)"
LOWERS = f"case when reason.contribution < 0 then '{LOWERING}' else '' end"
"""What is added where the words themselves do not say that a score is lowered."""

PERCENTAGES = {"percent": "100 * {}", "exp_percent": "100 * exp({})"}
"""Forms that write a number as a percentage: of a share, and of the logarithm of one."""

_IN_BRACES = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDER = re.compile(rf"([A-Za-z_]\w*)(?::({'|'.join(PERCENTAGES)}|[^:|]+\|[^:|]+))?")
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\b", re.IGNORECASE)
_NUMBER = re.compile(rf"({_WHOLE.pattern}|(FLOAT|REAL|DOUBLE|DECIMAL|NUMERIC)\b)", re.IGNORECASE)

Types = Mapping[str, str]
"""DuckDB's types of a model's columns, by name."""


@dataclass(frozen=True)
class Placeholder:
    """A column in a template.

    Attributes:
        form: how its value is written: empty, one of `PERCENTAGES`, or the words for one and for several, `day|days`.
    """

    column: str
    form: str


@dataclass(frozen=True)
class Template:
    """One row of the seed; `parts` are its words and placeholders in order.

    >>> row = {"feature": "recency_days", "direction": "either", "place": 1, "template": "bought {recency_days:day|days} ago"}
    >>> Template.of(row).parts
    ('bought ', Placeholder(column='recency_days', form='day|days'), ' ago')
    """

    feature: str
    direction: str
    place: int
    parts: tuple[str | Placeholder, ...]

    @classmethod
    def of(cls, row: Mapping[str, object]) -> "Template":
        """The template of a seed's row; raises ScorehouseError, which leaves to the caller to say where, for one that is none."""
        direction, place, text = row["direction"], row["place"], str(row["template"] or "")
        if direction not in HOLDS:
            raise ScorehouseError(f"direction: expected {' or '.join(HOLDS)}, found '{direction or ''}'; choose one.")
        if not isinstance(place, int) or place < 1:
            raise ScorehouseError(f"place: expected a whole number from 1, found '{'' if place is None else place}'; correct it.")
        if not text.strip():
            raise ScorehouseError("template: expected words, found an empty cell; write them, or remove the row.")
        return cls(str(row["feature"] or ""), str(direction), place, tuple(_parts(text)))

    @property
    def placeholders(self) -> list[Placeholder]:
        """The columns that it shows."""
        return [part for part in self.parts if isinstance(part, Placeholder)]

    def expect_shown_by(self, models: Mapping[str, Types]) -> None:
        """Raise ScorehouseError where no model has the feature and, beside it, every column of the template.

        Args:
            models: the types of the columns of each model that has features, by its name.
        """
        having = {name: types for name, types in models.items() if self.feature in types}
        if not having:
            listed = ", ".join(sorted(models)) or "none"
            raise ScorehouseError(
                f"feature: expected a column of a model in models/features ({listed}), found '{self.feature}'; correct it, or "
                f"remove the row."
            )
        faults = [next(self._faults(name, types), None) for name, types in having.items()]
        if all(faults):
            raise ScorehouseError(f"template: {faults[0]}")

    def _faults(self, model: str, types: Types) -> Iterator[str]:
        for shown in self.placeholders:
            if shown.column not in types:
                yield f"expected columns of {model} ({', '.join(sorted(types))}), found '{shown.column}'; correct it."
            elif shown.form and not _NUMBER.match(types[shown.column]):
                yield (
                    f"expected a number before ':{shown.form}', found {shown.column}, which is {types[shown.column].lower()}; "
                    f"write {{{shown.column}}}."
                )


def declared_templates(manifest: Manifest) -> list[Template]:
    """The templates that the seed's file holds now; see `templates_of`."""
    seed = manifest.seed(TEMPLATES_SEED)
    return templates_of(manifest.seed_rows(TEMPLATES_SEED), manifest.feature_types(), seed.path if seed else "")


def templates_of(rows: Sequence[Mapping[str, object]], models: Mapping[str, Types], path: str) -> list[Template]:
    """The templates of a seed's rows; raises ScorehouseError with a sentence for each row that cannot be told.

    Args:
        models: the types of the columns of each model that has features, by its name.
        path: the seed's file.
    """
    found, refused = [], []
    for line, row in enumerate(rows, start=2):
        try:
            template = Template.of(row)
            template.expect_shown_by(models)
            found.append(template)
        except ScorehouseError as error:
            refused.append(f"{path}, line {line}: {error}")
    if refused:
        raise ScorehouseError("\n".join(refused))
    return found


def _parts(text: str) -> Iterator[str | Placeholder]:
    """The words and placeholders of a template."""
    for place, part in enumerate(_IN_BRACES.split(text)):
        if place % 2:
            found = _PLACEHOLDER.fullmatch(part)
            if not found:
                raise ScorehouseError(
                    f"template: expected {{column}}, {{column:percent}}, {{column:exp_percent}} or {{column:day|days}}, found "
                    f"'{{{part}}}'; write one of them."
                )
            yield Placeholder(found[1], found[2] or "")
        elif "{" in part or "}" in part:
            raise ScorehouseError(
                f"template: expected each column in braces of its own, such as {{recency_days}}, found '{text}'; close or remove "
                f"the brace."
            )
        elif part:
            yield part


def text_sql(templates: Sequence[Template], types: Types, row: str, number: str) -> str:
    """A SQL expression that puts the reasons of a row in words, joined by `; `; NULL where none moved the score.

    What two features say in the same words is told once, of the one that stands first.

    Args:
        templates: of any features; those of columns that `types` lacks are another model's.
        types: of the columns of the model whose row stands beside.
        row: what SQL calls that row.
        number: the function that makes a number readable.
    """
    write = _Writer(types, row, number)
    ordered = sorted(templates, key=lambda one: (one.place, one.direction == EITHER, one.direction))
    told = {feature: [one for one in ordered if one.feature == feature] for feature in sorted(types)}
    cases = [write.case(feature, its) for feature, its in told.items() if its or write.has_plain_value(feature)]
    named = f"replace(replace(reason.feature, '*', ' with '), '_', ' ') || {LOWERS}"
    words = "\n".join(["case reason.feature", *cases, f"else {named}", "end"])
    moved = "list_filter(reasons, lambda reason: reason.contribution <> 0)"
    return f"nullif(array_to_string({_once(f'list_transform({moved}, lambda reason: {words})')}, '; '), '')"


def _once(texts: str) -> str:
    """SQL of a list of texts in which one that an earlier one says, but for its `LOWERING`, is NULL."""
    said = f"list_transform(texts, lambda one: {_without_lowering('one')})"
    first = f"case when list_position({said}, {_without_lowering('texts[place]')}) = place then texts[place] end"
    return f"list_transform([{texts}], lambda texts: list_transform(range(1, len(texts) + 1), lambda place: {first}))[1]"


def _without_lowering(text: str) -> str:
    return f"replace({text}, '{LOWERING}', '')"


@dataclass(frozen=True)
class _Writer:
    """Writes SQL over one row of a model."""

    types: Types
    row: str
    number: str

    def has_plain_value(self, feature: str) -> bool:
        """Whether a feature's value is told without a template: texts are not, which may say who it is."""
        return self.types[feature].lower() == "boolean" or bool(_NUMBER.match(self.types[feature]))

    def case(self, feature: str, templates: Sequence[Template]) -> str:
        """The words for one feature: of the first template that can be filled, else its name and value."""
        filled = [self._template(one) for one in templates if all(shown.column in self.types for shown in one.placeholders)]
        named = [literal(feature.replace("_", " "))]
        if self.has_plain_value(feature):
            named += ["' '", f"coalesce({self._value(Placeholder(feature, ''))}, 'unknown')"]
        choices = ",\n".join([*filled, " || ".join([*named, LOWERS])])
        return f"when {literal(feature)} then coalesce({choices})"

    def _template(self, template: Template) -> str:
        parts = [self._value(part) if isinstance(part, Placeholder) else literal(part) for part in template.parts]
        words = " || ".join([*parts, LOWERS] if template.direction == EITHER else parts)
        return words if template.direction == EITHER else f"case when {HOLDS[template.direction]} then {words} end"

    def _value(self, shown: Placeholder) -> str:
        """A value as text; NULL where there is none, and so where it is no number."""
        kind, column = self.types[shown.column], f"{self.row}.{identifier(shown.column)}"
        if kind.lower() == "boolean":
            return f"case when {column} then 'yes' when not {column} then 'no' end"
        if not _NUMBER.match(kind):
            return f"cast({column} as varchar)"
        known = f"case when isfinite({column}) then {column} end"
        if shown.form in PERCENTAGES:
            return f"{self.number}({PERCENTAGES[shown.form].format(known)}) || '%'"
        told = f"cast({column} as varchar)" if _WHOLE.match(kind) else f"{self.number}({known})"
        if not shown.form:
            return told
        one, several = (literal(f" {word}") for word in shown.form.split("|"))
        return f"{told} || case {told} when '1' then {one} else {several} end"
