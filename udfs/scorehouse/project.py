"""The dbt project as the store needs it: nodes, their parents, and everything that shapes a node's text."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scorehouse.errors import ScorehouseError
from scorehouse.fingerprint import digest
from scorehouse.gate import Reach

REGISTERED = "int_model_versions"
"""The model that lists the fitted models of schema registry."""
_VAR = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
_PLAIN = re.compile(r"\w[\w .$-]*")
_ENV_VAR = re.compile(r"\benv_var\(\s*['\"](\w+)['\"]")


@dataclass(frozen=True)
class ServedTable:
    """A table of the serving file.

    Attributes:
        name: its name there.
        relation: schema.name of the model behind it.
        key: columns of its primary key; it is sorted by them.
        description, columns: texts that readers find as comments.
        kind, contract_version, owner, requirements, example: what the table `endpoints` says of it; requirements are volume,
            refresh, decay and sla, the example is a query.
    """

    name: str
    relation: str
    key: list[str]
    description: str = ""
    columns: dict[str, str] | None = None
    kind: str = "score"
    contract_version: int = 1
    owner: str = ""
    requirements: Mapping[str, str] = field(default_factory=dict)
    example: str = ""


@dataclass(frozen=True)
class ServedFunction:
    """A SQL function of the serving file: its name there, schema.name of the node behind it, and what readers find of it."""

    name: str
    relation: str
    description: str = ""


class Project:
    """A read-only look at dbt's manifest.

    Args:
        manifest: dbt's parsed manifest.
        variables: values of the project's variables, command line included.
        folder: the project's root.
    """

    def __init__(self, manifest: Any, variables: Mapping[str, object], folder: Path) -> None:
        self.manifest = manifest
        self.variables = dict(variables)
        self.folder = folder

    def node(self, node_id: str) -> Any:
        """A model, seed, test, source or function by its unique id."""
        for shelf in (self.manifest.nodes, self.manifest.sources, self.manifest.functions, self.manifest.unit_tests):
            if node_id in shelf:
                return shelf[node_id]
        raise KeyError(node_id)

    def tables(self) -> list[Any]:
        """Every enabled model and seed that has a relation, and every function."""
        nodes = [
            node
            for node in self.manifest.nodes.values()
            if node.resource_type in ("model", "seed") and node.config.materialized != "ephemeral"
        ]
        return nodes + list(self.manifest.functions.values())

    def sources(self) -> list[Any]:
        """Every enabled source table that some model reads."""
        read = {parent for node in self.manifest.nodes.values() for parent in node.depends_on_nodes}
        return [source for source in self.manifest.sources.values() if source.unique_id in read]

    def unproven(self, run_ids: set[str]) -> list[str]:
        """Ids of tables and tests that are part of the project but not of a run."""
        tests = [n.unique_id for n in self.manifest.nodes.values() if n.resource_type == "test" and n.config.enabled]
        tables = [node.unique_id for node in self.tables()]
        return [node_id for node_id in [*tables, *tests, *self.manifest.unit_tests] if node_id not in run_ids]

    def served_tables(self) -> list[ServedTable]:
        """The models that declare `meta.endpoint`: what the serving file holds."""
        models = [node for node in self.tables() if node.resource_type == "model" and node.config.meta.get("endpoint")]
        owners = {group.name: group.owner for group in self.manifest.groups.values()}
        return [_served(node, getattr(owners.get(node.config.group), "email", None) or "") for node in models]

    def served_functions(self) -> list[ServedFunction]:
        """The SQL functions that declare `meta.serving`, each after the functions that it calls."""
        found: dict[str, ServedFunction] = {}

        def add(node: Any) -> None:
            for parent_id in node.depends_on_nodes:
                if parent_id in self.manifest.functions:
                    add(self.manifest.functions[parent_id])
            found[node.unique_id] = ServedFunction(node.name, relation_of(node), " ".join(node.description.split()))

        for node in self.manifest.functions.values():
            if node.config.meta.get("serving"):
                add(node)
        return list(found.values())

    def python_functions(self) -> list[Any]:
        """The function nodes that only a process with this package can run."""
        return [node for node in self.manifest.functions.values() if node.language == "python"]

    def python_relations(self) -> list[str]:
        """Names (schema.name) of the macros over Python functions."""
        return [relation_of(node) for node in self.python_functions()]

    def parents(self, node: Any) -> list[str]:
        """Ids of what a node reads; ephemeral models stand for what they read themselves."""
        found: dict[str, None] = {}
        for parent_id in node.depends_on_nodes:
            parent = self.node(parent_id)
            if parent.resource_type == "model" and parent.config.materialized == "ephemeral":
                found.update(dict.fromkeys(self.parents(parent)))
            else:
                found[parent_id] = None
        return list(found)

    def reach(self, node: Any) -> Reach:
        """What a node's SQL may read: the relations and functions that it names with ref(), source() and function()."""
        parents = [self.node(parent_id) for parent_id in self.parents(node)]
        functions = frozenset(relation_of(parent) for parent in parents if parent.resource_type == "function")
        return Reach(frozenset(map(relation_of, parents)) - functions, functions)

    def compiled_ancestors(self, node: Any) -> list[Any]:
        """The models that a node's rows come from, those that others read first; only models compiled in this run."""
        found: dict[str, Any] = {}
        for parent_id in node.depends_on_nodes:
            parent = self.node(parent_id)
            if parent.resource_type == "model" and parent.compiled_code and parent_id not in found:
                found |= {ancestor.unique_id: ancestor for ancestor in self.compiled_ancestors(parent)} | {parent_id: parent}
        return list(found.values())

    def keys(self) -> dict[str, tuple[str, ...]]:
        """The key of every table that declares one, by relation: its endpoint's, or that of a uniqueness test."""
        found: dict[str, tuple[str, ...]] = {}
        for test in self.manifest.nodes.values():
            metadata = getattr(test, "test_metadata", None)
            if metadata and metadata.name in ("unique", "unique_combination") and test.attached_node in self.manifest.nodes:
                columns = metadata.kwargs.get("columns") or [metadata.kwargs["column_name"]]
                found.setdefault(relation_of(self.node(test.attached_node)), tuple(columns))
        return found | {table.relation: tuple(table.key) for table in self.served_tables()}

    def decisions(self) -> dict[str, str]:
        """The column that an application acts on (`meta.endpoint.decision`), by relation."""
        endpoints = {relation_of(node): node.config.meta.get("endpoint") or {} for node in self.tables()}
        return {relation: endpoint["decision"] for relation, endpoint in endpoints.items() if "decision" in endpoint}

    def unlisted_models(self) -> list[str]:
        """Fitted models that the registry does not read."""
        fitted = {node.unique_id: node.name for node in self.tables() if node.config.materialized == "fitted"}
        listed = {parent for node in self.tables() if node.name == REGISTERED for parent in node.depends_on_nodes}
        return [name for node_id, name in fitted.items() if listed and node_id not in listed]

    def children(self) -> dict[str, list[str]]:
        """Ids of the tables that read each node."""
        found: dict[str, list[str]] = {}
        for node in self.tables():
            for parent_id in self.parents(node):
                found.setdefault(parent_id, []).append(node.unique_id)
        return found

    def inputs(self, node: Any) -> dict[str, str]:
        """What shaped a node's text, by name -> hash of its value: file, macros, variables, environment, configuration."""
        texts = {f"file {node.original_file_path}": self._text_of(node)}
        texts |= {f"macro {macro.name}": macro.macro_sql for macro in self._macros(node)}
        found = {name: digest(text) for name, text in texts.items()}
        for text in texts.values():
            found |= {f"variable {name}": digest(self.variables.get(name)) for name in _VAR.findall(text)}
            found |= {f"environment variable {name}": digest(os.environ.get(name)) for name in _ENV_VAR.findall(text)}
        found["configuration"] = digest(node.config.materialized, node.config.meta)
        return found

    def _text_of(self, node: Any) -> str:
        if node.resource_type == "seed":
            return str(node.checksum.checksum)
        ephemeral = (self.node(parent) for parent in node.depends_on_nodes)
        inlined = [self._text_of(n) for n in ephemeral if n.resource_type == "model" and n.config.materialized == "ephemeral"]
        return "\n".join([node.raw_code or "", *inlined])

    def _macros(self, node: Any) -> Iterator[Any]:
        seen: set[str] = set()
        waiting = list(node.depends_on.macros)
        while waiting:
            macro = self.manifest.macros.get(waiting.pop())
            if macro is None or macro.unique_id in seen or macro.package_name.startswith("dbt"):
                continue
            seen.add(macro.unique_id)
            waiting.extend(macro.depends_on.macros)
            yield macro


def _served(node: Any, owner: str) -> ServedTable:
    endpoint = node.config.meta["endpoint"]
    key = list(endpoint["key"])
    return ServedTable(
        name=node.name,
        relation=relation_of(node),
        key=key,
        description=" ".join(node.description.split()),
        columns={name: column.description for name, column in node.columns.items()},
        kind=endpoint.get("type", "score"),
        contract_version=int(endpoint.get("contract_version", 1)),
        owner=owner,
        requirements={name: str(value) for name, value in (node.config.meta.get("requirements") or {}).items()},
        example=f"select * from {node.name} order by {', '.join(key)} limit 10",
    )


def relation_of(node: Any) -> str:
    """schema.name of a node's relation, which also names its folder in the store.

    Raises ScorehouseError when a name could lead elsewhere.
    """
    name = node.identifier if node.resource_type == "source" else node.alias
    if not (_PLAIN.fullmatch(node.schema) and _PLAIN.fullmatch(name)):
        raise ScorehouseError(
            f"{node.original_file_path}: expected a schema and a name of letters, digits, spaces and _-.$, "
            f"found {node.schema}.{name}; rename it."
        )
    return f"{node.schema}.{name}"
