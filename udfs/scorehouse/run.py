"""Everything one dbt invocation works with."""

from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from scorehouse import functions
from scorehouse.build import Builder
from scorehouse.project import Project
from scorehouse.records import NodeRecord, Records
from scorehouse.scoring import registry
from scorehouse.store import Store
from scorehouse.versions import read_row
from scorehouse.warehouse import Warehouse


@dataclass
class Run:
    """One invocation of dbt on one branch; `failures` are sentences on the data tests that failed or warned."""

    run_id: str
    warehouse: Warehouse
    connection: duckdb.DuckDBPyConnection
    records: Records
    store: Store
    project: Project
    timeout_seconds: float
    failures: list[str] = field(default_factory=list)
    builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        self.builder = Builder(self.connection, self.records, self.store, self.project, self.timeout_seconds, self.run_id)
        registry.read_with(self.read_version)
        for node in self.project.python_functions():
            self._register(node)

    def read_version(self, version: str) -> pa.Table | None:
        """The row of a fitted model's version from the store, or None when no kept file has it."""
        model, _, mark = version.partition("@")
        files = sorted(self.store.folder.glob(f"*.{model}/{mark}*.*")) if model and len(mark) == 12 else []
        return read_row(files[0]) if files else None

    def has(self, relation: str) -> bool:
        """Whether a relation, as SQL writes it, was built on this branch."""
        return self.record_of(relation) is not None

    def fingerprint(self, relation: str) -> str:
        """Identity of the rows of a relation, as SQL writes it."""
        return self.record_of(relation).fingerprint.whole

    def record_of(self, relation: str) -> NodeRecord | None:
        """The record of a relation, as SQL writes it; None when it was not built on this branch."""
        name = ".".join(part.strip('"') for part in relation.split(".")[-2:])
        return next((record for record in self.records.nodes.values() if record.relation == name), None)

    def _register(self, node: Any) -> None:
        file = self.project.folder / node.original_file_path
        function = functions.load_function(file, node.original_file_path, node.config.entry_point)
        functions.register(self.connection, node.name, function, node.returns.data_type, node.original_file_path)
