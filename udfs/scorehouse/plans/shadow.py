"""An empty copy of what a query may read: DuckDB binds the query in it and shows the plan, without a row being touched."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier, quoted
from scorehouse.plans.operators import Operator, expect_sound
from scorehouse.scratch import scratch

DATABASE = "warehouse"
"""Name of the database that a build works in, and of its shadow."""

_NOT_A_NUMBER = re.compile(r":-?(?:nan|inf)(?=[,}\]])")
"""What DuckDB prints for numbers that JSON does not have."""


@dataclass(frozen=True)
class Relation:
    """A relation's name (schema.name) and its columns' DuckDB types, in order."""

    name: str
    columns: Mapping[str, str]


class Shadow:
    """An empty database with the relations, views and functions that a query names; it lasts as long as the `with` block.

    Args:
        relations: what stands there as empty tables.
        statements: what is made of these: views and macros, each after what it reads.
        variables: session variables that a query may read, by name, with a value of their type.
    """

    def __init__(
        self, relations: Iterable[Relation], statements: Iterable[str] = (), variables: Mapping[str, object] | None = None
    ) -> None:
        self._relations, self._statements, self._variables = relations, statements, dict(variables or {})
        self._connection = scratch("plans")

    def __enter__(self) -> "Shadow":
        self._connection.execute(f"attach ':memory:' as {DATABASE}; use {DATABASE}")
        try:
            self._fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.execute(f"use memory; detach {DATABASE}")

    def _fill(self) -> None:
        for name, value in self._variables.items():
            self._connection.execute(f"set variable {name} = ?", [value])
        for relation in self._relations:
            self._connection.execute(f"create schema if not exists {identifier(relation.name.split('.')[0])}")
            columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in relation.columns.items())
            self._connection.execute(f"create table {quoted(relation.name)} ({columns})")
        for statement in self._statements:
            self._connection.execute(statement)

    def plan(self, sql: str, where: str) -> Operator:
        """The plan of one query.

        Raises ScorehouseError with what DuckDB finds wrong with it, and UnknownPlanError where the plan is not understood.
        """
        ((text,),) = self._connection.execute("select json_serialize_plan(?)", [sql]).fetchall()
        answer = json.loads(_NOT_A_NUMBER.sub(":null", text))
        if answer["error"]:
            raise ScorehouseError(f"{where}: expected a query that DuckDB can run, found: {answer['error_message']}; correct it.")
        (plan,) = map(Operator.of, answer["plans"])
        expect_sound(plan)
        return plan

    def columns(self, sql: str) -> list[str]:
        """Names of a query's columns, in order."""
        return [name for name, *_ in self._connection.execute(f"describe ({sql}\n)").fetchall()]
