"""Everything one dbt invocation works with."""

from dataclasses import dataclass, field

import duckdb

from scorehouse.build import Builder
from scorehouse.project import Project
from scorehouse.records import Records
from scorehouse.store import Store
from scorehouse.warehouse import Warehouse


@dataclass
class Run:
    """One invocation of dbt on one branch."""

    run_id: str
    warehouse: Warehouse
    connection: duckdb.DuckDBPyConnection
    records: Records
    store: Store
    project: Project
    timeout_seconds: float
    builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        self.builder = Builder(
            self.connection, self.records, self.store, self.project, self.timeout_seconds, self.run_id
        )
