"""The dbt project that dbt-spark runs: every model and test of ours as Spark SQL, under names that say what they were made of."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.spark.project import DataTest, Model, Project
from scorehouse.spark.rules.registry import Known, UntranslatableError
from scorehouse.spark.rules.types import spark_type
from scorehouse.spark.translate import translated, typed

STORE = "scorehouse_store"
"""Schema of all tables, whatever branch made them."""

Place = tuple[str, str]
"""Schema and name of a relation, as in DuckDB."""


@dataclass(frozen=True)
class Made:
    """A model as Spark SQL, and the table that it becomes."""

    model: Model
    table: str
    sql: str


@dataclass(frozen=True)
class Translation:
    """What became of a project: models and tests as Spark SQL, and a sentence for each that has no translation."""

    models: tuple[Made, ...]
    kept: Mapping[Place, str]
    tests: tuple[tuple[DataTest, str], ...]
    refusals: tuple[str, ...]


class Translator:
    """Translates a project's models in the order in which they read each other.

    Args:
        project: what is asked
        tables: names of the tables with kept rows, by place
        engine: names the version of Spark: another one computes anew
    """

    def __init__(self, project: Project, tables: Mapping[Place, str], engine: str) -> None:
        self._project = project
        self._engine = engine
        self._kept = tables
        self._tables = dict(tables)
        self._models = {(model.schema, model.name): model for model in project.models}
        self._made: dict[Place, Made] = {}
        self._refused: dict[Place, str] = {}
        relations = [*project.models, *project.kept]
        self._columns = {(relation.schema, relation.name): relation.columns for relation in relations}

    def everything(self) -> Translation:
        """All models and tests."""
        for place in self._models:
            with suppress(_OfRefusedError):
                self._table(*place)
        tests, refusals = [], list(self._refused.values())
        for test in self._project.tests:
            try:
                tests.append((test, translated(test.sql, self._known(""))))
            except UntranslatableError as error:
                refusals.append(_sentence(test.file, test.text, test.sql, error))
            except _OfRefusedError:
                continue
        return Translation(tuple(self._made.values()), self._kept, tuple(tests), tuple(refusals))

    def _table(self, schema: str, name: str) -> str:
        """The table of a relation, for which a model is translated first."""
        place = schema, name
        if place in self._tables:
            return f"{STORE}.{self._tables[place]}"
        if place in self._refused:
            raise _OfRefusedError
        model = self._models.get(place)
        if model is None:
            raise UntranslatableError(f"{schema}.{name}", "read what the release has")
        try:
            sql = typed(model.sql, model.columns, self._known(model.built_at))
        except UntranslatableError as error:
            self._refused[place] = _sentence(model.file, model.text, model.sql, error)
            raise _OfRefusedError from error
        except _OfRefusedError:
            self._refused[place] = f"{model.file}: it reads a model that is refused; mend that one first."
            raise
        mark = digest(model.fingerprint, sql, self._engine)[:16]
        self._tables[place] = f"{name}__{mark}"
        self._made[place] = Made(model, self._tables[place], sql)
        return f"{STORE}.{self._tables[place]}"

    def _known(self, built_at: str) -> Known:
        functions = frozenset(function.name for function in self._project.python_functions)
        return Known(self._table, self._columns, {}, self._project.sql_functions, functions, {"built_at": built_at})


class _OfRefusedError(Exception):
    """A relation that is read was refused."""


def _sentence(file: str, text: str, sql: str, error: UntranslatableError) -> str:
    """Where in a file a construct stands that has no translation, and what to do."""
    where = f"{file}:{_line(text, sql, error)}"
    remedy = error.remedy or "write it with functions that Spark has, too, or add a rule to udfs/scorehouse/spark/rules"
    return f"{where}: expected SQL that has an equal on Spark, found {error.construct}; {remedy}."


def _line(text: str, sql: str, error: UntranslatableError) -> int:
    """The line of a file that was compiled to the one at fault, or that names what is at fault, or has most words in common."""
    compiled = sql.splitlines()[error.line - 1].strip() if error.line else ""
    construct = error.construct.split("(")[0].split(" of ")[0].lower()
    words = set(re.findall(r"\w+", compiled))

    def likeness(line: str) -> tuple[bool, bool, int]:
        return line.strip() == compiled, construct in line.lower(), len(words & set(re.findall(r"\w+", line)))

    lines = text.splitlines() or [""]
    return max(range(len(lines)), key=lambda place: likeness(lines[place])) + 1


def write(folder: Path, project: Project, translation: Translation) -> None:
    """Write the dbt project anew."""
    shutil.rmtree(folder, ignore_errors=True)
    name = f"{project.name}_spark"
    _write_yaml(
        folder / "dbt_project.yml",
        {
            "name": name,
            "version": "1.0",
            "profile": "spark",
            "flags": {"send_anonymous_usage_stats": False},
            "models": {name: {"+materialized": "table", "+file_format": "parquet"}},
        },
    )
    kept = [{"name": "__".join(place), "identifier": table} for place, table in translation.kept.items()]
    _write_yaml(folder / "models" / "sources.yml", {"sources": [{"name": "duckdb", "schema": STORE, "tables": kept}]})
    output = {"type": "spark", "method": "session", "schema": STORE, "host": "NA", "threads": 4}
    _write_yaml(folder / "profiles.yml", {"spark": {"target": "session", "outputs": {"session": output}}})
    for made in translation.models:
        path = folder / "models" / made.model.schema / f"{made.model.name}.sql"
        _write(path, f"{{{{ config(alias='{made.table}') }}}}\n{_with_references(made.sql, translation)}")
        _write_yaml(path.with_suffix(".yml"), {"models": [_said(made.model)]})
    for test, sql in translation.tests:
        options = ", ".join(f"{option}={json.dumps(value)}" for option, value in test.config.items())
        _write(folder / "tests" / f"{test.name}.sql", f"{{{{ config({options}) }}}}\n{_with_references(sql, translation)}")


def _with_references(sql: str, translation: Translation) -> str:
    """The text for dbt, which reads nothing in it but the references to other models."""
    if any(mark in sql for mark in ("{{", "{%", "{#")):
        raise ScorehouseError(f"{sql[:60]}...: expected SQL without marks of Jinja, found some; write them otherwise.")
    for made in translation.models:
        sql = sql.replace(f"{STORE}.{made.table} ", f"{{{{ ref('{made.model.name}') }}}} ")
    for place, table in translation.kept.items():
        sql = sql.replace(f"{STORE}.{table} ", f"{{{{ source('duckdb', '{'__'.join(place)}') }}}} ")
    return sql


def _said(model: Model) -> dict[str, Any]:
    columns = [
        {
            "name": name,
            "description": model.said["columns"].get(name, ""),
            "data_type": spark_type(kind).replace("`", "").lower(),
        }
        for name, kind in model.columns.items()
    ]
    contract = {"contract": {"enforced": bool(model.said["contract"])}}
    return {"name": model.name, "description": model.said["description"], "config": contract, "columns": columns}


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write_yaml(file: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    _write(file, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
