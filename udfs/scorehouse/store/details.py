"""What a kind of node keeps beside its record: a source its landed files, a partitioned table its pieces, a model its past."""

from dataclasses import dataclass, field
from typing import Self

from mashumaro.codecs.json import JSONDecoder, JSONEncoder


@dataclass(frozen=True)
class Column:
    """A source's declared column: name, DuckDB type, and whether a file must have it.

    Attributes:
        kind: `id` for a key, which has one spelling; `name` for a word that says which of a few; `property` for what is a member
            of `properties` too; `truth` for a number that may be true or false; or what the reader fills it with: `file`, `line`,
            `seen_at` (when the file says that it was written), `fault_column` and `fault_value` (the first cell that cannot be
            read).
    """

    name: str
    data_type: str
    is_required: bool = False
    kind: str | None = None


@dataclass(frozen=True)
class LandedFile:
    """A raw file and its copy in the store.

    Attributes:
        path, state: identity of the raw file (size, times of its content and of its entry in ns, inode), to skip it next time
            unread; the time of the entry is the kernel's own, which no copying program sets.
        content: hash of its bytes and of the code that reads them; the copy is <store>/<relation>/<content>.parquet.
        columns: its columns' names and types.
        days: the days (YYYY-MM-DD) its rows cover, where the source is partitioned.
        name: what people call it, from its landing folder.
        folders: the folders between where it was looked for and it, whose names may be columns.
        row_count: its rows.
        decimal: the decimal mark of the numbers that are texts in it.
        has_faults: whether some cell cannot be read.
        masked: columns and members in which people's data became pseudonyms, or were dropped.
        key: names the key that pseudonyms were made with; empty where there was none.
        forgotten: names the list of people whose rows were left out of it.
        left_out: how many rows these were.
        expired: how many rows are older than the source's `retain_days`, and not kept.
        kept_from: the first day whose rows were kept then.
    """

    path: str
    state: tuple[int, ...]
    content: str
    columns: dict[str, str]
    days: list[str]
    name: str = ""
    row_count: int = 0
    decimal: str = "."
    has_faults: bool = False
    masked: list[str] = field(default_factory=list)
    key: str = ""
    forgotten: str = ""
    left_out: int = 0
    expired: int = 0
    kept_from: str = ""
    folders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Landing:
    """A source as it was landed: the path it was read from, the columns it declared, its files, and how they were read."""

    path: str
    columns: list[Column]
    files: list[LandedFile]
    reader: str = ""


@dataclass(frozen=True)
class Piece:
    """A file of a table that is cut by time: the partitions it holds, the hash of what it holds, its path in the store."""

    partitions: list[str]
    mark: str
    file: str


@dataclass(frozen=True)
class Cut:
    """How a table is cut by time: by which column, how coarse, and into which files."""

    column: str
    grain: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Metric:
    """A value measured on a split of the examples: of `slice` of its rows, in `bin` where there are several."""

    split: str
    slice: str
    metric: str
    bin: int | None
    value: float


@dataclass(frozen=True)
class Decision:
    """One decision about a fitted model.

    Attributes:
        decided_at: ISO time, UTC.
        decision, reason: see `learning.measure.policy.Finding`.
        model_version: in use afterwards.
        trained_version: the one that was trained for it, or None.
        measured_version, test_until, metrics: the version in use before the decision, on the newest test.
    """

    decided_at: str
    decision: str
    reason: str
    model_version: str
    trained_version: str | None = None
    measured_version: str | None = None
    test_until: str | None = None
    metrics: list[Metric] = field(default_factory=list)


@dataclass(frozen=True)
class Versions:
    """A fitted model's history: the fingerprint that was asked for last, and every decision, the earliest first."""

    asked: str
    decisions: list[Decision]


@dataclass(frozen=True)
class Reading:
    """What a query reads, as its plan says.

    Attributes:
        question: hash of the query and of the columns that there were to read: another question, another answer.
        definitions: views and functions that stand in it, by relation: the hash of each one's own definition.
        columns: by relation, the columns that count, in the relation's order; without any its number of rows counts.
        order_dependent: what in it depends on the order of rows, in words.
        stamps: its own columns that say when a row was computed, and nothing else.
        types: hash of the types of the columns that its text names: some questions are answered by a type, unread.
        origins: by its own column, the columns (schema.name.column) that the values in it are made of; None where the plan is
            not known.
        passed: by relation, the columns that only stamps are made of: they are read, and do not count.
    """

    question: str
    definitions: dict[str, str]
    columns: dict[str, list[str]]
    order_dependent: list[str]
    stamps: list[str] = field(default_factory=list)
    types: str = ""
    origins: dict[str, list[str]] | None = None
    passed: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Details:
    """What a query reads, its text, and what the node's kind keeps beside."""

    reading: Reading | None = None
    landing: Landing | None = None
    cut: Cut | None = None
    versions: Versions | None = None
    query: str = ""

    def text(self) -> str:
        """As JSON."""
        return str(_ENCODER.encode(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """From JSON.

        >>> Details.read(Details(cut=Cut("occurred_at", "day", [])).text()).cut.grain
        'day'
        """
        return _DECODER.decode(text)


_ENCODER, _DECODER = JSONEncoder(Details), JSONDecoder(Details)
