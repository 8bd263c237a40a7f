"""dbt's manifest as plain values: the one module that knows what dbt calls things."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from scorehouse.build.requirements import REQUIREMENTS_SEED, requirements_of
from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.sandbox.queries import Reach
from scorehouse.serving.offer import Audience, Meaning, Offer, Requirements, ServedFunction, ServedTable
from scorehouse.sources.seeds import seed_values

_VAR = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
_PLAIN = re.compile(r"\w[\w .$-]*")
_ENV_VAR = re.compile(r"\benv_var\(\s*['\"](\w+)['\"]")


FEATURES = "models/features/"
"""Where the models lie whose columns are features."""

CONFIGURED = frozenset({"model", "seed", "snapshot"})
"""Kinds of nodes that dbt builds as it is told by their configuration."""


@dataclass(frozen=True)
class DeclaredColumn:
    """A column as the YAML describes it.

    Attributes:
        data_type, unit: empty where they are not declared.
        is_required: whether a source's file must have it.
        is_never_null: whether an enforced contract says so.
        kind: `meta.kind` of a source's column (see scorehouse.store.details.Column).
        is_personal: whether it identifies a person (`meta.personal`); None where nothing is said.
        whose: where it holds the id of the person whose row it is (`meta.person`), what other columns must hold for that.
        said: names of all that `meta` says of it.
    """

    name: str
    description: str
    data_type: str
    unit: str
    is_required: bool
    is_never_null: bool = False
    kind: str | None = None
    is_personal: bool | None = None
    whose: Mapping[str, str] | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Freshness:
    """How old the newest row of a source may be, as dbt's `freshness` says.

    Attributes:
        column: SQL of the time that counts (`loaded_at_field`).
        warn_after, error_after: ages; None where that is no matter.
    """

    column: str
    warn_after: timedelta | None
    error_after: timedelta | None


@dataclass(frozen=True)
class Signature:
    """What a function node takes and gives.

    Attributes:
        arguments: names and DuckDB types.
        returns: DuckDB type of the result.
        language: sql or python.
        entry_point: name of the Python function.
        is_table: whether it is a table function, whose body is a whole select.
        kind: what dbt calls it: scalar, aggregate or table.
        defaults: names of the arguments that have a default value.
    """

    arguments: tuple[tuple[str, str], ...]
    returns: str
    language: str
    entry_point: str | None
    is_table: bool
    kind: str = "scalar"
    defaults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What a data test asks.

    Attributes:
        test: a generic test's name; None for a singular one.
        arguments: of the generic test.
        attached_to: the node it is attached to.
        is_strict: whether every row counts, and one that fails stops the build.
    """

    test: str | None
    arguments: Mapping[str, Any]
    attached_to: str | None
    is_strict: bool = True


@dataclass(frozen=True)
class Node:
    """A model, seed, source, function, test or exposure of the project.

    Attributes:
        id: dbt's unique id.
        kind: model, seed, source, function, test, unit_test or exposure.
        name, schema, identifier: as in ref(), and as in SQL.
        path: its file, from the project's root.
        text: the file's own text.
        materialized: how it is built.
        meta: what the project declares of it.
        parent_ids: what it names with ref(), source() and function().
        team, owner: its group, and the e-mail of that group's owner; empty where there is none.
        columns: those that its YAML declares.
        settings: everything that dbt is told of it, as text.
        configured: what dbt is told of it beside its defaults, by the name of the setting.
        constraints: kinds of the constraints in its contract.
        seed_types, seed_delimiter: how a seed's file is read.
        freshness: of a source that says how old it may be.
    """

    id: str
    kind: str
    name: str
    schema: str
    identifier: str
    path: str
    text: str
    materialized: str
    meta: Mapping[str, Any]
    parent_ids: tuple[str, ...]
    team: str = ""
    owner: str = ""
    description: str = ""
    columns: tuple[DeclaredColumn, ...] = ()
    settings: str = ""
    configured: Mapping[str, Any] = field(default_factory=dict)
    constraints: frozenset[str] = frozenset()
    source_name: str = ""
    seed_types: Mapping[str, str] = field(default_factory=dict)
    seed_delimiter: str = ","
    freshness: Freshness | None = None
    signature: Signature | None = None
    question: Question | None = None

    @property
    def relation(self) -> str:
        """schema.name of its relation, which also names its folder in the store.

        Raises ScorehouseError when a name could lead elsewhere.
        """
        if not (_PLAIN.fullmatch(self.schema) and _PLAIN.fullmatch(self.identifier)):
            raise ScorehouseError(
                f"{self.path}: expected a schema and a name of letters, digits, spaces and _-.$, "
                f"found {self.schema}.{self.identifier}; rename it."
            )
        return f"{self.schema}.{self.identifier}"


class Manifest:
    """The project of one run.

    Args:
        manifest: dbt's own.
        variables: values of the project's variables, command line included.
        folder: the project's root.
    """

    def __init__(self, manifest: Any, variables: Mapping[str, Any], folder: Path) -> None:
        self._dbt = manifest
        self.variables = dict(variables)
        self.folder = folder

    # ---------------------------------------------------------------- nodes

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        owners = {group.name: getattr(group.owner, "email", None) or "" for group in self._dbt.groups.values()}
        shelves = (self._dbt.nodes, self._dbt.sources, self._dbt.functions, self._dbt.unit_tests, self._dbt.exposures)
        nodes = (node for shelf in shelves for node in shelf.values() if getattr(node.config, "enabled", True))
        return {node.unique_id: _node(node, owners) for node in nodes}

    def node(self, node_id: str) -> Node:
        """What has this unique id."""
        return self._nodes[node_id]

    def has(self, node_id: str) -> bool:
        """Whether the project has this id."""
        return node_id in self._nodes

    def of_relation(self, relation: str) -> Node | None:
        """The model, seed or source that makes schema.name, if the project has one."""
        nodes = self._of_kind("model", "seed", "source")
        return next((node for node in nodes if f"{node.schema}.{node.identifier}" == relation), None)

    def _of_kind(self, *kinds: str) -> list[Node]:
        return [node for node in self._nodes.values() if node.kind in kinds]

    def seed(self, name: str) -> Node | None:
        """The seed of this name, if the project has one."""
        return next((node for node in self._of_kind("seed") if node.name == name), None)

    def seed_rows(self, name: str) -> list[dict[str, object]]:
        """Rows of a seed that steers the build, as its file says now; none where the project has no such seed."""
        node = self.seed(name)
        return seed_values(self.folder / node.path, node.seed_types, node.seed_delimiter) if node else []

    def fitted(self) -> list[Node]:
        """Every fitted model."""
        return [node for node in self._of_kind("model") if node.materialized == "fitted"]

    def served(self) -> list[Node]:
        """Every model that declares an endpoint."""
        return [node for node in self._of_kind("model") if node.meta.get("endpoint")]

    def exposures(self) -> list[Node]:
        """Who reads what, as the project says, also where this run leaves it out."""
        return [*self._of_kind("exposure"), *self._left_out("exposure")]

    def known(self) -> list[Node]:
        """Every model, also those that this run leaves out."""
        return [*self._of_kind("model"), *self._left_out("model")]

    def _left_out(self, kind: str) -> list[Node]:
        return [_node(node, {}) for nodes in self._dbt.disabled.values() for node in nodes if node.resource_type == kind]

    def feature_types(self) -> dict[str, dict[str, str]]:
        """The types that models of features declare of their columns, by the model's name, left out of this run or not."""
        models = (node for node in self.known() if node.path.startswith(FEATURES))
        found = {node.name: {column.name: column.data_type for column in node.columns if column.data_type} for node in models}
        return {name: types for name, types in found.items() if types}

    def unwanted(self) -> list[Node]:
        """What the variable `products` leaves out."""
        shelves = self._dbt.disabled.values()
        return [_node(node, {}) for nodes in shelves for node in nodes if getattr(node.config, "enabled", True)]

    def tables(self) -> list[Node]:
        """Every enabled model and seed that has a relation, and every function."""
        return [node for node in self._of_kind("model", "seed", "function") if node.materialized != "ephemeral"]

    def built(self) -> list[Node]:
        """Everything that dbt builds as its configuration says."""
        return self._of_kind(*CONFIGURED)

    def sources(self) -> list[Node]:
        """Every enabled source table that some model reads."""
        read = {parent for node in self._of_kind("model", "seed", "test") for parent in node.parent_ids}
        return [source for source in self._of_kind("source") if source.id in read]

    def siblings(self, source: Node) -> list[Node]:
        """All tables of a source table's source, whether a model reads them or not."""
        return [node for node in self._of_kind("source") if node.source_name == source.source_name]

    def unproven(self, run_ids: set[str]) -> list[Node]:
        """Tables and tests that are part of the project but not of a run."""
        return [node for node in [*self.tables(), *self._of_kind("test", "unit_test")] if node.id not in run_ids]

    def parents(self, node: Node) -> list[Node]:
        """What a node reads; ephemeral models stand for what they read themselves."""
        found: dict[str, Node] = {}
        for parent in map(self.node, node.parent_ids):
            inner = self.parents(parent) if parent.kind == "model" and parent.materialized == "ephemeral" else [parent]
            found |= {one.id: one for one in inner}
        return list(found.values())

    def ancestors(self, node: Node) -> list[Node]:
        """What a node is made of, the nearest first."""
        found: dict[str, Node] = {}
        waiting = self.parents(node)
        while waiting:
            found |= {one.id: one for one in waiting if one.id not in found}
            following = {parent.id: parent for one in waiting for parent in self.parents(one)}
            waiting = [one for one in following.values() if one.id not in found]
        return list(found.values())

    def called(self, node: Node) -> list[Node]:
        """The functions that a node calls, and those that they call, each after the ones that it calls itself."""
        found: dict[str, Node] = {}
        for parent in map(self.node, node.parent_ids):
            if parent.kind == "function":
                found |= {one.id: one for one in [*self.called(parent), parent] if one.id not in found}
        return list(found.values())

    def reach(self, node: Node) -> Reach:
        """What a node's SQL may read: the relations and functions that it names with ref(), source() and function()."""
        parents = self.parents(node)
        functions = frozenset(parent.relation for parent in parents if parent.kind == "function")
        return Reach(frozenset(parent.relation for parent in parents) - functions, functions)

    def children(self) -> dict[str, list[str]]:
        """Ids of the tables that read each node."""
        found: dict[str, list[str]] = {}
        for node in self.tables():
            for parent in self.parents(node):
                found.setdefault(parent.id, []).append(node.id)
        return found

    # ---------------------------------------------------------------- what was compiled in this run

    def compiled(self, node: Node) -> str | None:
        """The SQL that dbt rendered of a model in this run."""
        return self._dbt.nodes[node.id].compiled_code

    def compiled_ancestors(self, node: Node) -> list[Node]:
        """The models that a node's rows come from, those that others read first; only models compiled in this run."""
        found: dict[str, Node] = {}
        for parent in map(self.node, node.parent_ids):
            if parent.kind == "model" and self.compiled(parent) and parent.id not in found:
                found |= {ancestor.id: ancestor for ancestor in self.compiled_ancestors(parent)} | {parent.id: parent}
        return list(found.values())

    # ---------------------------------------------------------------- what is served, and how it is compared

    def offer(self) -> Offer:
        """What readers get."""
        unreadable = (function.relation for function in self.python_functions())
        features = {model.name: self._meanings_behind(model) for model in self.fitted()}
        required = ((table, self.requirements.get(table.name, Requirements())) for table in self.served_tables())
        tables = (replace(table, requirements=requirements) for table, requirements in required)
        return Offer(tuple(tables), tuple(self.served_functions()), tuple(unreadable), features)

    @cached_property
    def requirements(self) -> dict[str, Requirements]:
        """What the project says that each served table is made for, by name; nothing where it has no such seed.

        Raises ScorehouseError for a seed that cannot be read.
        """
        node = self.seed(REQUIREMENTS_SEED)
        return requirements_of(self.folder / node.path, node.seed_types, node.seed_delimiter) if node else {}

    def _meanings_behind(self, model: Node) -> dict[str, Meaning]:
        """The described columns of everything that a model's rows come from; of two with one name the nearest."""
        found: dict[str, Meaning] = {}
        for ancestor in self.ancestors(model):
            described = (column for column in ancestor.columns if column.description)
            found = {column.name: Meaning(column.description, column.unit) for column in described} | found
        return found

    def served_tables(self) -> list[ServedTable]:
        """The models that declare `meta.endpoint`: what the serving file holds."""
        return [_served(node, self._models_behind(node)) for node in self.served()]

    def _models_behind(self, node: Node) -> tuple[str, ...]:
        return tuple(ancestor.name for ancestor in self.ancestors(node) if ancestor.materialized == "fitted")

    def served_functions(self) -> list[ServedFunction]:
        """The SQL functions that declare `meta.serving`, each after the functions that it calls."""
        found: dict[str, ServedFunction] = {}
        for served in self.functions():
            for node in [*self.called(served), served] if served.meta.get("serving") else []:
                found[node.id] = ServedFunction(node.name, node.relation, " ".join(node.description.split()))
        return list(found.values())

    def functions(self) -> list[Node]:
        """Every function node."""
        return self._of_kind("function")

    def python_functions(self) -> list[Node]:
        """The function nodes that only a process with this package can run."""
        return [node for node in self.functions() if node.signature.language == "python"]

    @cached_property
    def declared_keys(self) -> dict[str, set[tuple[str, ...]]]:
        """Columns that no two rows of a relation share, NULLs included, by relation: keys of endpoints, and what tests prove.

        And of a source that says so its file and line, which `sources` fills: it reads a file, or a member of an archive, once.
        """
        found: dict[str, set[tuple[str, ...]]] = {table.relation: {tuple(table.key)} for table in self.served_tables()}
        for source in self._of_kind("source"):
            by_kind = {column.kind: column.name for column in source.columns}
            if {"file", "line"} <= by_kind.keys():
                found[source.relation] = {(by_kind["file"], by_kind["line"])}
        asked = [test.question for test in self._of_kind("test") if test.question.attached_to in self._nodes]
        strict = [question for question in asked if question.is_strict]
        never_null = {(q.attached_to, q.arguments["column_name"]) for q in strict if q.test == "not_null"}
        never_null |= {(node.id, column.name) for node in self._nodes.values() for column in node.columns if column.is_never_null}
        for question in strict:
            key = tuple(question.arguments.get("columns") or [question.arguments.get("column_name")])
            is_whole = question.test == "unique" and (question.attached_to, key[0]) in never_null
            if is_whole or question.test == "unique_combination":
                found.setdefault(self.node(question.attached_to).relation, set()).add(key)
        return found

    def keys(self) -> dict[str, tuple[str, ...]]:
        """The key of every table that declares one, by relation: its endpoint's, or that of a uniqueness test."""
        found: dict[str, tuple[str, ...]] = {}
        for test in self._of_kind("test"):
            asked = test.question
            if asked.test in ("unique", "unique_combination") and asked.attached_to in self._dbt.nodes:
                columns = asked.arguments.get("columns") or [asked.arguments["column_name"]]
                found.setdefault(self.node(asked.attached_to).relation, tuple(columns))
        return found | {table.relation: tuple(table.key) for table in self.served_tables()}

    def decisions(self) -> dict[str, str]:
        """The column that an application acts on (`meta.endpoint.decision`), by relation."""
        endpoints = {node.relation: node.meta.get("endpoint") or {} for node in self.tables()}
        return {relation: endpoint["decision"] for relation, endpoint in endpoints.items() if "decision" in endpoint}

    # ---------------------------------------------------------------- what shapes a node's text

    def inputs(self, node: Node) -> dict[str, str]:
        """What shaped a node's text, by name -> hash of its value: file, macros, variables, environment, configuration."""
        texts = {f"file {node.path}": self._text_of(node)}
        texts |= {f"macro {macro.name}": macro.macro_sql for macro in self._macros(node)}
        found = {name: digest(text) for name, text in texts.items()}
        for text in texts.values():
            found |= {f"variable {name}": digest(self.variables.get(name)) for name in _VAR.findall(text)}
            found |= {f"environment variable {name}": digest(os.environ.get(name)) for name in _ENV_VAR.findall(text)}
        found |= {"configuration": digest(node.materialized, node.meta), "name": node.relation}
        return found

    def _text_of(self, node: Node) -> str:
        if node.kind == "seed":
            return str(self._dbt.nodes[node.id].checksum.checksum)
        parents = map(self.node, node.parent_ids)
        inlined = [self._text_of(parent) for parent in parents if parent.kind == "model" and parent.materialized == "ephemeral"]
        return "\n".join([node.text, *inlined])

    def _macros(self, node: Node) -> Iterator[Any]:
        shelf = self._dbt.functions if node.kind == "function" else self._dbt.nodes
        seen: set[str] = set()
        waiting = list(shelf[node.id].depends_on.macros)
        while waiting:
            macro = self._dbt.macros.get(waiting.pop())
            if macro is None or macro.unique_id in seen or macro.package_name.startswith("dbt"):
                continue
            seen.add(macro.unique_id)
            waiting.extend(macro.depends_on.macros)
            yield macro


def _node(node: Any, owners: Mapping[str, str]) -> Node:
    """A node, source, function or unit test of dbt's."""
    kind, config = str(node.resource_type), node.config
    is_source, is_test = kind == "source", kind == "test"
    meta = {**node.source_meta, **node.meta, **config.meta} if is_source else dict(config.meta)
    team = getattr(config, "group", None) or (meta.get("group") if is_source else None) or ""
    return Node(
        id=node.unique_id,
        kind=kind,
        name=node.name,
        schema=getattr(node, "schema", ""),
        identifier=node.identifier if is_source else getattr(node, "alias", node.name),
        path=node.original_file_path,
        text=getattr(node, "raw_code", None) or "",
        materialized="function" if kind == "function" else getattr(config, "materialized", kind),
        meta=meta,
        parent_ids=tuple(node.depends_on_nodes) if not is_source else (),
        team=team,
        owner=owners.get(team, ""),
        description=node.description or "",
        columns=tuple(_columns(node)),
        settings=str(config),
        configured=_configured(config) if kind in CONFIGURED else {},
        constraints=frozenset(_constraints(node)),
        source_name=node.source_name if is_source else "",
        freshness=_freshness(node) if is_source else None,
        seed_types=getattr(config, "column_types", None) or {},
        seed_delimiter=getattr(config, "delimiter", ","),
        signature=_signature(node) if kind == "function" else None,
        question=_question(node) if is_test else None,
    )


def _configured(config: Any) -> dict[str, Any]:
    """The settings of a node that are not dbt's defaults."""
    default = type(config)().to_dict(omit_none=True)
    return {name: value for name, value in config.to_dict(omit_none=True).items() if value != default.get(name)}


def _freshness(node: Any) -> Freshness | None:
    said = node.freshness
    if not said or not node.loaded_at_field:
        return None
    return Freshness(node.loaded_at_field, _age(said.warn_after), _age(said.error_after))


def _age(time: Any) -> timedelta | None:
    return timedelta(**{f"{time.period.value}s": time.count}) if time else None


def _served(node: Node, models: tuple[str, ...]) -> ServedTable:
    """What a model declares in `meta.endpoint`."""
    endpoint = node.meta["endpoint"]
    key = list(endpoint["key"])
    return ServedTable(
        name=node.name,
        relation=node.relation,
        key=key,
        description=" ".join(node.description.split()),
        columns={column.name: column.description for column in node.columns},
        kind=endpoint.get("type", "score"),
        product=str(node.meta.get("product") or node.name),
        contract_version=int(endpoint.get("contract_version", 1)),
        owner=node.owner,
        example=f"select * from {node.name} order by {', '.join(key)} limit 10",
        models=models,
        audiences={name: _audience(said or {}) for name, said in (endpoint.get("audiences") or {}).items()},
    )


def _audience(said: Mapping[str, Any]) -> Audience:
    return Audience(None if said.get("columns") is None else tuple(said["columns"]), said.get("rows"))


def _constraints(node: Any) -> Iterator[str]:
    """Kinds of the constraints of a node's columns, and of the whole."""
    for shelf in (node, *getattr(node, "columns", {}).values()):
        yield from (constraint.type.value for constraint in getattr(shelf, "constraints", None) or [])


def _columns(node: Any) -> Iterator[DeclaredColumn]:
    contract = getattr(node.config, "contract", None)
    for column in getattr(node, "columns", {}).values():
        is_required = bool(column.meta.get("required") or column.config.meta.get("required"))
        unit, said = str(column.config.meta.get("unit") or ""), " ".join((column.description or "").split())
        is_never_null = bool(contract and contract.enforced) and any(c.type == "not_null" for c in column.constraints)
        meta = column.config.meta
        whose = meta["person"] if isinstance(meta.get("person"), dict) else {} if meta.get("person") else None
        is_personal = None if meta.get("personal") is None else bool(meta["personal"])
        yield DeclaredColumn(
            *(column.name, said, column.data_type or "", unit, is_required, is_never_null, meta.get("kind"), is_personal, whose),
            said=tuple(map(str, meta)),
        )


def _signature(node: Any) -> Signature:
    return Signature(
        arguments=tuple((argument.name, argument.data_type) for argument in node.arguments),
        returns=node.returns.data_type,
        language=str(node.language),
        entry_point=node.config.entry_point,
        is_table=bool(node.config.meta.get("returns_table")),
        kind=str(getattr(node.config.type, "value", node.config.type)),
        defaults=tuple(argument.name for argument in node.arguments if argument.default_value is not None),
    )


def _question(node: Any) -> Question:
    generic = getattr(node, "test_metadata", None)
    attached = getattr(node, "attached_node", None)
    config = node.config
    is_strict = str(config.severity).lower() == "error" and not config.where and config.error_if == config.warn_if == "!= 0"
    return Question(generic.name, generic.kwargs, attached, is_strict) if generic else Question(None, {}, attached)
