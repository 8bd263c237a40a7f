"""Which rule translates what: by a function's name, or by the class of a node of sqlglot's tree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlglot import exp


@dataclass(frozen=True)
class SqlFunction:
    """A function of the project whose body is SQL: its parameters with their DuckDB types, body and DuckDB type."""

    parameters: Mapping[str, str]
    body: str
    returns: str


@dataclass(frozen=True)
class Known:
    """What is known of the project around a query.

    Attributes:
        relation: text that stands for a relation, by (schema, name)
        columns: DuckDB types of a relation's columns by name, by (schema, name)
        types: of columns by name, where all that the query reads agree on it
        sql_functions: by name
        python_functions: names of functions that are registered in the session
        variables: texts of DuckDB's variables by name
    """

    relation: Callable[[str, str], str] = "{1}".format
    columns: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    sql_functions: Mapping[str, SqlFunction] = field(default_factory=dict)
    python_functions: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, node: exp.Expression) -> str | None:
        """DuckDB's type of a column of what the query reads, else None."""
        return self.types.get(node.name.lower()) if isinstance(node, exp.Column) else None


class UntranslatableError(Exception):
    """A construct without a rule.

    Attributes:
        construct: as DuckDB names it
        remedy: what to write instead, if that is known
        line: of the query, where that is known
    """

    def __init__(self, construct: str, remedy: str = "", line: int | None = None) -> None:
        super().__init__(construct, remedy)
        self.construct = construct
        self.remedy = remedy
        self.line = line


Rule = Callable[[exp.Expression, Known], exp.Expression]
Given = TypeVar("Given", bound=Rule)

FUNCTIONS: dict[str, Rule] = {}
"""Rules by the name of DuckDB's function, in lower case."""

NODES: dict[type[exp.Expression], Rule] = {}
"""Rules by the class of node, applied when what is below it is translated already."""


def function(*names: str) -> Callable[[Given], Given]:
    """Let a rule translate the functions of these names."""

    def register(rule: Given) -> Given:
        FUNCTIONS.update(dict.fromkeys(names, rule))
        return rule

    return register


def node(*classes: type[exp.Expression]) -> Callable[[Given], Given]:
    """Let a rule translate the nodes of these classes."""

    def register(rule: Given) -> Given:
        NODES.update(dict.fromkeys(classes, rule))
        return rule

    return register


def same(*names: str) -> None:
    """Let functions stand as they are: they mean the same in both engines."""
    FUNCTIONS.update(dict.fromkeys(names, lambda call, known: call))


def renamed(**names: str) -> None:
    """Let functions have another name, and the same arguments."""
    for name, other in names.items():
        FUNCTIONS[name] = lambda found, known, other=other: exp.Anonymous(this=other, expressions=found.expressions)
