"""What the kept releases say: their descriptions, and the records of their nodes."""

import duckdb

from scorehouse.names.warehouse import CATALOG, Warehouse
from scorehouse.release.described import Release
from scorehouse.store.records import NodeRecords


def description(warehouse: Warehouse, number: int) -> Release:
    """What a release says of itself."""
    with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
        return Release.read(catalog, "scorehouse.release")


def records_of(warehouse: Warehouse, number: int | None = None) -> NodeRecords:
    """Node records of a release (default: the current one); none when there is no such release."""
    number = number if number is not None else warehouse.current_release()
    if number is None:
        return NodeRecords()
    with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
        return NodeRecords.read(catalog)
