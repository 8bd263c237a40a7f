"""Operation `people` of `dbt run-operation`: every column that is made of people's data, and on which way."""

from collections.abc import Iterator
from dataclasses import dataclass

from scorehouse.build.origins import Origins, Path, can_hold_text, split
from scorehouse.build.run import Run
from scorehouse.operations import text
from scorehouse.operations.register import operation
from scorehouse.sources.masking import column_of
from scorehouse.store.records import NodeRecord, NodeRecords

DROPPED, PSEUDONYMS = "nothing: dropped", "pseudonyms"


@dataclass(frozen=True)
class _Told:
    """A column that is made of people's data."""

    path: Path
    holds: str

    @property
    def row(self) -> list[object]:
        """As a row of the table that is shown."""
        return [self.path[0], self.holds, " < ".join(self.path[1:])]


@operation
def people(run: Run) -> str:
    """For each column of the current release that is made of people's data: what it holds, and on which way it came."""
    number = run.warehouse.current_release()
    if number is None:
        return f"Branch '{run.warehouse.branch}' has no release yet; `dbt build` publishes the first."
    records = NodeRecords.published(run.warehouse, number)
    personal = {place: holds for record in records.nodes.values() for place, holds in _personal(record)}
    told = list(_reached(records, personal))
    if not told:
        return f"No column of release {number} can hold a text made of people's data."
    served = {table.relation for table in run.manifest.served_tables()}
    told.sort(key=lambda one: (split(one.path[0])[0] not in served, one.path))
    count = len({one.path[0] for one in told})
    in_served = len({one.path[0] for one in told if split(one.path[0])[0] in served})
    end = f"{count} columns of release {number} can hold texts made of people's data; served of these: {in_served}."
    return f"{text.table(['column', 'holds', 'made of'], [one.row for one in told])}\n{end}"


def _personal(record: NodeRecord) -> Iterator[tuple[str, str]]:
    """Columns of a source in which people's data were masked, and what stands there instead."""
    for file in record.details.landing.files if record.details.landing else ():
        for masked in file.masked:
            name = column_of(masked, record.columns)
            if name:
                yield f"{record.relation}.{name}", PSEUDONYMS if file.key else DROPPED


def _reached(records: NodeRecords, personal: dict[str, str]) -> Iterator[_Told]:
    """The columns of all relations that are made of these."""
    origins = Origins(records)
    for record in records.nodes.values():
        columns = record.columns.items() if record.resource_type in ("model", "seed") else ()
        for column in (name for name, kind in columns if can_hold_text(kind)):
            for path in origins.paths(record.relation, column):
                if path[-1] in personal:
                    yield _Told(path, personal[path[-1]])
