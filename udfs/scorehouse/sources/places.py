"""Where raw files lie: every file below a folder is found to be read, or is named with the reason why it is not."""

import glob
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path

from scorehouse.errors import ScorehouseError

FORMATS = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
COMPRESSIONS = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".lz4")
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
READABLE = "Parquet, CSV, TSV or JSON, also compressed (gz, zst, bz2, xz, lz4) or in an archive (zip, tar)"

MEANT = {
    "interactions": ("orders", "order", "events", "event", "transactions", "purchases", "sales", "payments", "clicks"),
    "items": ("products", "product", "articles", "catalog", "catalogue", "films", "skus"),
    "customers": ("users", "user", "clients", "contacts", "accounts", "members", "visitors"),
    "labels": ("outcomes", "targets", "frauds"),
}
"""What people also call the tables of the landing contract."""

LITTER = (
    *(".DS_Store", "._*", "Thumbs.db", "desktop.ini", "__MACOSX", ".gitkeep", ".gitignore", ".~lock.*#", ".ipynb_checkpoints"),
    *("_SUCCESS", "_started_*", "_committed_*", "_temporary", "*.crc"),
)
"""Names that operating systems, editors and Spark leave beside data: they hold none, and are passed over without a word."""

HIDDEN = "its name begins with . or _, which means hidden; rename it to have it read"


@dataclass(frozen=True)
class RawFile:
    """A file to read: its path, its name below the landing folder, and the member of it where it is an archive."""

    path: Path
    name: str
    member: str | None = None

    @property
    def kind(self) -> str:
        """parquet, csv or json."""
        return format_of(self.member or self.path.name) or ""

    @property
    def place(self) -> str:
        """Path of the file, and of the member in it."""
        return f"{self.path}/{self.member}" if self.member else str(self.path)


@dataclass(frozen=True)
class Unread:
    """What is not read: its name below the landing folder, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} is not read: {self.reason}."


@dataclass
class Found:
    """What a folder holds: files to read, and the rest."""

    files: list[RawFile] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def format_of(name: str) -> str | None:
    """parquet, csv or json by a file's name, compressed or not; None for another.

    >>> format_of("jan.CSV.gz"), format_of("part-0.snappy.parquet"), format_of("readme.txt")
    ('csv', 'parquet', None)
    """
    plain = name.lower()
    while plain.endswith(COMPRESSIONS):
        plain = plain[: plain.rindex(".")]
    return next((kind for suffix, kind in FORMATS.items() if plain.endswith(suffix)), None)


def is_data(name: str) -> bool:
    """Whether a file's name is one that is read."""
    return format_of(name) is not None or name.lower().endswith(ARCHIVES)


def is_litter(name: str) -> bool:
    """Whether a name is one of those that never hold data.

    >>> is_litter("._jan.csv"), is_litter("_jan.csv")
    (True, False)
    """
    return any(fnmatch(name, pattern) for pattern in LITTER)


def discover(path: str) -> Found:
    """What a folder and its subfolders hold, links followed; or a glob; or the one file.

    A folder `x` may also be one file `x.csv`, or both. Raises ScorehouseError when there are files, and none of them can be
    read, and for the folder of a table format whose data files alone do not say which rows hold.

    >>> discover("/no/such/folder").files
    []
    """
    place = Path(path)
    found = Found()
    if place.is_dir():
        for file in _below(place, found):
            _take(file, str(file.relative_to(place.parent)), found)
    beside = [Path(name) for name in glob.glob(path)] if not place.is_dir() else []
    beside += [file for file in _siblings(place) if is_data(file.name)]
    for file in sorted(file for file in beside if file.is_file()):
        _take(file, file.name, found)
    if found.unread and not found.files:
        first = found.unread[0]
        raise ScorehouseError(f"{place}: expected files of {READABLE}, found {first.name.split('/')[-1]}; convert or remove it.")
    return found


def _siblings(place: Path) -> list[Path]:
    """The files that are called as a folder is, with the suffix of a format."""
    if not place.parent.is_dir():
        return []
    return [file for file in place.parent.iterdir() if file.is_file() and is_named(file.name, place.name)]


def is_named(name: str, table: str) -> bool:
    """Whether a file is called as a table, with a format's suffix and nothing between.

    >>> is_named("items.csv.gz", "items"), is_named("items.old.csv", "items")
    (True, False)
    """
    suffixes = "|".join(map(re.escape, [*FORMATS, *ARCHIVES]))
    packed = "|".join(map(re.escape, COMPRESSIONS))
    return re.fullmatch(rf"{re.escape(table)}({suffixes})({packed})*", name, re.IGNORECASE) is not None and is_data(name)


def _below(folder: Path, found: Found, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files of a folder and its subfolders, sorted; what is hidden or leads nowhere goes to `found.unread`."""
    here = (*above, folder)
    root = here[0].parent
    for path in sorted(folder.iterdir()):
        name = str(path.relative_to(root))
        if path.name == "_delta_log":
            raise ScorehouseError(
                f"{folder}: expected plain files, found a Delta table, whose files also hold deleted rows; "
                f"export it as Parquet, and land that."
            )
        if is_litter(path.name):
            continue
        if path.name.startswith((".", "_")):
            found.unread.append(Unread(name, HIDDEN))
        elif path.is_dir():
            if any(path.samefile(one) for one in here):
                found.unread.append(Unread(name, "it is a link to a folder that it lies in; remove the link"))
            else:
                yield from _below(path, found, here)
        elif path.is_file():
            yield path
        else:
            what = "it is a link to nothing" if path.is_symlink() else "it is no file and no folder"
            found.unread.append(Unread(name, f"{what}; remove or mend it"))


def beside(folder: Path, tables: Sequence[str], unused: Sequence[str] = ()) -> list[Unread]:
    """What lies in a landing folder and belongs to none of its tables, or to an `unused` one, which no model reads."""
    rest = []
    for path in sorted(folder.iterdir()):
        if is_litter(path.name) or _is_of(path, tables):
            continue
        name = f"{path.name}/" if path.is_dir() else path.name
        reason = "no product that is built needs it" if _is_of(path, unused) else _stranger(path, [*tables, *unused])
        rest.append(Unread(name, reason))
    return rest


def _is_of(path: Path, tables: Sequence[str]) -> bool:
    return path.name in tables or any(is_named(path.name, table) for table in tables)


def _stranger(path: Path, tables: Sequence[str]) -> str:
    stem = path.name.split(".")[0].lower()
    near = get_close_matches(stem, tables, n=1, cutoff=0.6) or [table for table, words in MEANT.items() if stem in words]
    instead = near[0] if near and near[0] in tables else None
    if path.name.startswith((".", "_")):
        return HIDDEN
    if path.is_dir():
        what = f"rename it to {instead}/" if instead else f"move its files into one of {', '.join(f'{t}/' for t in tables)}"
        return f"it is none of the folders that are looked for; {what} to have it read"
    if path.is_symlink() and not path.exists():
        return "it is a link to nothing; remove or mend it"
    if not is_data(path.name):
        return f"expected {READABLE}; convert or remove it"
    return f"it lies beside the folders; move it into {instead or tables[0]}/ to have it read"


def _take(file: Path, name: str, found: Found) -> None:
    """Put a file, or the members of an archive, with what is read or with what is not."""
    if file.name.lower().endswith(ARCHIVES):
        _take_members(file, name, found)
    elif format_of(file.name):
        found.files.append(RawFile(file, name))
    else:
        found.unread.append(Unread(name, f"expected {READABLE}, found {file.suffix or 'no suffix'}; convert or remove it"))


def _take_members(file: Path, name: str, found: Found) -> None:
    for member in _members(file):
        parts = member.split("/")
        if any(map(is_litter, parts)):
            continue
        if any(part.startswith((".", "_")) for part in parts):
            found.unread.append(Unread(f"{name}/{member}", HIDDEN))
        elif format_of(member) and not member.lower().endswith(ARCHIVES):
            found.files.append(RawFile(file, f"{name}/{member}", member))
        else:
            found.unread.append(Unread(f"{name}/{member}", f"expected {READABLE}; unpack, convert or remove it"))


def _members(file: Path) -> Iterable[str]:
    """The names of an archive's files."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                return sorted(one.filename for one in archive.infolist() if not one.is_dir())
        with tarfile.open(file) as archive:
            return sorted(one.name for one in archive.getmembers() if one.isfile())
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ScorehouseError(f"{file}: expected a readable archive, found: {error}; pack it anew or remove it.") from None
