"""Everything one dbt invocation works with."""

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from scorehouse.build.builder import Builder
from scorehouse.build.engine import use_own_modules
from scorehouse.build.manifest import Manifest, Node
from scorehouse.build.versions import file_of, folders, read_row
from scorehouse.ledger.lines import Ledger
from scorehouse.names.quoting import plain
from scorehouse.names.warehouse import Warehouse
from scorehouse.sandbox import functions
from scorehouse.scoring import loaded
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord, Records


@dataclass
class Run:
    """One invocation of dbt on one branch.

    Attributes:
        ledger: where it writes what happens.
        options: those that it was given, of --empty, --sample and --full-refresh.
        failures: what went wrong with each node that failed, by its id.
        found: sentences on what data tests found that failed or warned, by their ids.
        sentences: all of them, where a test's rows are sentences.
        left_out: sentences on what lies in a landing folder and is not read.
        stale: sentences on sources that are older than they say they may be.
    """

    run_id: str
    warehouse: Warehouse
    connection: duckdb.DuckDBPyConnection
    records: Records
    store: Store
    manifest: Manifest
    timeout_seconds: float
    ledger: Ledger
    options: frozenset[str] = frozenset()
    failures: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        use_own_modules(self.manifest.folder)
        self.builder = Builder(
            self.connection, self.records, self.store, self.manifest, self.timeout_seconds, self.run_id, self.warehouse
        )
        loaded.read_with(self.read_version)
        for node in self.manifest.python_functions():
            self._register(node)

    def read_version(self, version: str) -> pa.Table | None:
        """The row of a fitted model's version from the store, or None when no kept file has it."""
        model, _, _ = version.partition("@")
        file = file_of(version, sorted(self._folders(model)), self.store)
        return read_row(file) if file else None

    def _folders(self, model: str) -> set[str]:
        """The store's folders of a fitted model: of its relation, as it is and was."""
        known = {node.relation for node in self.manifest.fitted() if node.name == model}
        kept = (record for record in self.records.nodes.values() if record.materialized == "fitted" and record.name == model)
        return known.union(*map(folders, kept))

    def has(self, relation: str) -> bool:
        """Whether a relation, as SQL writes it, was built on this branch."""
        return self.record_of(relation) is not None

    def record_of(self, relation: str) -> NodeRecord | None:
        """The record of a relation, as SQL writes it; None when it was not built on this branch."""
        return self.records.of(plain(relation))

    def has_settled(self, node_id: str) -> bool:
        """Whether a node was built or kept in this run."""
        record = self.records.nodes.get(node_id)
        return record is not None and record.run_id == self.run_id

    def unbuilt(self, test_id: str) -> str | None:
        """Name of something that a data test reads and that was never built on this branch; None where there is nothing such."""
        test = self.manifest.node(test_id)
        parents = self.manifest.parents(test) if test.kind == "test" else []
        return next((parent.name for parent in parents if parent.id not in self.records.nodes), None)

    def _register(self, node: Node) -> None:
        function = functions.load_function(self.manifest.folder / node.path, node.path, node.signature.entry_point)
        functions.register(self.connection, node.name, function, node.signature.returns, node.path)
