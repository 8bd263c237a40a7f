"""Where raw files lie: every file below a folder is found to be read, or is named with the reason why it is not."""

import glob
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.sources.personal import has_address

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

TABLE_FORMATS = {"_delta_log": "Delta", ".hoodie": "Hudi", ".hoodie_partition_metadata": "Hudi"}
"""Folders and files by which the table formats are known whose data files alone do not say which rows hold."""

HIDDEN = "its name begins with . or _, which means hidden; rename it to have it read"
ADDRESS = "its name, or its folder's, holds an e-mail address, which every record of it would show; rename it to have it read"
NAMED_BY_ADDRESS = "(a file named by an e-mail address)"
NO_TEXT = "its name is no UTF-8, so that no table could say it; rename it to have it read"


@dataclass(frozen=True)
class RawFile:
    """A file to read: its path, its name below the landing folder, and the member of it where it is an archive.

    Attributes:
        folders: names of the folders between where it was looked for and the file, those within an archive too.
        changed: when that member was changed, in seconds since 1970, where the archive says so.
    """

    path: Path
    name: str
    member: str | None = None
    folders: tuple[str, ...] = ()
    changed: float | None = None

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
    """What a folder holds: files to read, and the rest. Every name in it is a text that can be stored and printed."""

    files: list[RawFile] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def read(self, file: RawFile) -> None:
        """Add a file to read."""
        if has_address(file.name):
            self.unread.append(Unread(NAMED_BY_ADDRESS, ADDRESS))
        elif shown(file.name) != file.name or shown(str(file.path)) != str(file.path):
            self.leave(file.name, NO_TEXT)
        else:
            self.files.append(file)

    def leave(self, name: str, reason: str) -> None:
        """Add what is not read."""
        self.unread.append(Unread(shown(name), shown(reason)))


def shown(name: str) -> str:
    r"""A name as a text that can be stored and printed: bytes that are no UTF-8 as their numbers.

    >>> shown("caf\udce9.csv")
    'caf\\xe9.csv'
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


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
    _expect_listable(fixed_part(path))
    found = Found()
    is_pattern = glob.has_magic(path) and not os.path.lexists(place)
    root = fixed_part(path) if is_pattern else place
    meant = map(Path, glob.glob(path)) if is_pattern else filter(os.path.lexists, [place])
    for one in [*sorted(meant), *sorted(_siblings(place))]:
        for file in _files_of(one, one.parent, found):
            folders = file.parent.relative_to(root).parts if file.parent.is_relative_to(root) else ()
            _take(file, str(file.relative_to(one.parent)), folders, found)
    if found.unread and not found.files:
        first = found.unread[0]
        why = "; convert or remove it" if first.reason.startswith("expected") else f": {first.reason}"
        raise ScorehouseError(f"{shown(str(place))}: expected files of {READABLE}, found {first.name.split('/')[-1]}{why}.")
    return found


def fixed_part(path: str) -> Path:
    """The folder or file where a source's files are looked for, whatever pattern they have.

    >>> fixed_part("/no/such/in/2024-*/a.csv")
    PosixPath('/no/such/in')
    """
    place = Path(path)
    wild = next((count for count, part in enumerate(place.parts) if re.search(r"[*?\[]", part)), None)
    if wild is not None:
        return Path(*place.parts[:wild])
    return place if place.exists() else place.parent


def _expect_listable(place: Path) -> None:
    """Refuse a folder that cannot be read: a pattern finds nothing there, and says nothing."""
    try:
        if place.is_dir():
            os.scandir(place).close()
    except PermissionError:
        raise ScorehouseError(
            f"{place}: expected a folder that this build may read, found another; a branch may read what main reads, what --vars "
            f"names, and what the environment variable SCOREHOUSE_SOURCES lists (folders separated by '{os.pathsep}')."
        ) from None


def _siblings(place: Path) -> list[Path]:
    """What is called as a folder is, with the suffix of a format."""
    if not place.parent.is_dir():
        return []
    try:
        return [path for path in place.parent.iterdir() if is_named(path.name, place.name)]
    except PermissionError:  # a branch lists only folders that it may read: it asks for each name
        suffixes = [*FORMATS, *ARCHIVES]
        names = [place.name + suffix + packed for suffix in suffixes for packed in ("", *COMPRESSIONS)]
        return [path for path in map(place.with_name, dict.fromkeys(names)) if is_data(path.name) and path.exists()]


def is_named(name: str, table: str) -> bool:
    """Whether a file is called as a table, with a format's suffix and nothing between.

    >>> is_named("items.csv.gz", "items"), is_named("items.old.csv", "items")
    (True, False)
    """
    suffixes = "|".join(map(re.escape, [*FORMATS, *ARCHIVES]))
    packed = "|".join(map(re.escape, COMPRESSIONS))
    return re.fullmatch(rf"{re.escape(table)}({suffixes})({packed})*", name, re.IGNORECASE) is not None and is_data(name)


def _files_of(path: Path, root: Path, found: Found, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """A file itself, or the files of a folder and its subfolders, sorted; what leads nowhere goes to `found.unread`."""
    name = str(path.relative_to(root))
    if path.is_file():
        yield path
    elif not path.is_dir():
        what = "it is a link to nothing" if path.is_symlink() else "it is no file and no folder"
        found.leave(name, f"{what}; remove or mend it")
    elif any(path.samefile(one) for one in above):
        found.leave(name, "it is a link to a folder that it lies in; remove the link")
    else:
        yield from _below(path, root, found, (*above, path))


def _below(folder: Path, root: Path, found: Found, above: tuple[Path, ...]) -> Iterator[Path]:
    """The files of a folder and its subfolders, sorted; what is hidden goes to `found.unread`."""
    for path in sorted(folder.iterdir()):
        is_iceberg = path.name == "metadata" and any(path.glob("*.metadata.json"))
        table_format = "Iceberg" if is_iceberg else TABLE_FORMATS.get(path.name)
        if table_format:
            raise ScorehouseError(
                f"{shown(str(folder))}: expected plain files, found {table_format}'s, which also hold rows that were deleted or "
                f"replaced; export the table as Parquet, and land that."
            )
        if is_litter(path.name):
            continue
        if path.name.startswith((".", "_")):
            found.leave(str(path.relative_to(root)), HIDDEN)
        else:
            yield from _files_of(path, root, found, above)


def beside(folder: Path, tables: Sequence[str], unused: Sequence[str] = ()) -> list[Unread]:
    """What lies in a landing folder and belongs to none of its tables, or to an `unused` one, which no model reads."""
    rest = []
    for path in sorted(folder.iterdir()):
        if is_litter(path.name) or _is_of(path, tables):
            continue
        name = f"{path.name}/" if path.is_dir() else path.name
        reason = "no product that is built needs it" if _is_of(path, unused) else _stranger(path, [*tables, *unused])
        rest.append(Unread(shown(name), reason))
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


def _take(file: Path, name: str, folders: tuple[str, ...], found: Found) -> None:
    """Put a file, or the members of an archive, with what is read or with what is not."""
    if file.name.lower().endswith(ARCHIVES):
        _take_members(file, name, folders, found)
    elif format_of(file.name):
        found.read(RawFile(file, name, folders=folders))
    else:
        found.leave(name, f"expected {READABLE}, found {file.suffix or 'no suffix'}; convert or remove it")


def _take_members(file: Path, name: str, folders: tuple[str, ...], found: Found) -> None:
    members = _members(file)
    if not members:
        found.leave(name, "it is an archive without files; pack it anew or remove it")
    for member in sorted(members, key=lambda member: member.name):
        parts = member.name.split("/")
        if any(map(is_litter, parts)):
            continue
        if any(part.startswith((".", "_")) for part in parts if part != "."):
            found.leave(f"{name}/{member.name}", HIDDEN)
        elif member.fault:
            found.leave(f"{name}/{member.name}", member.fault)
        elif format_of(member.name) and not member.name.lower().endswith(ARCHIVES):
            found.read(RawFile(file, f"{name}/{member.name}", member.name, (*folders, *parts[:-1]), member.changed))
        else:
            found.leave(f"{name}/{member.name}", f"expected {READABLE}; unpack, convert or remove it")


@dataclass(frozen=True)
class _Member:
    """What an archive holds beside folders, why it cannot be read, if so, and when it was changed (seconds since 1970)."""

    name: str
    fault: str | None = None
    changed: float | None = None


_NO_FILE = "it is no file; pack the archive without it"
_LINK = "it is a link to no file of the archive; pack the file that is meant"
_OLDER = "the archive holds a later one of that name, which is read; pack this one under another name"


def _members(file: Path) -> list[_Member]:
    """The members of an archive but its folders."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                return _once([_zip_member(one) for one in archive.infolist() if not one.is_dir()])
        with tarfile.open(file) as archive:
            members = archive.getmembers()
            _expect_end(archive)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        where = shown(str(file))
        found = "no archive, or one that is cut" if "could not be opened" in str(error) else str(error)
        raise ScorehouseError(f"{where}: expected a readable archive, found: {found}; pack it anew or remove it.") from None
    return _once([_tar_member(one, members) for one in members if not one.isdir()])


def _expect_end(archive: tarfile.TarFile) -> None:
    """Raise TarError unless zeros alone follow the last member: Python takes a damaged member for the end."""
    archive.fileobj.seek(archive.offset)
    is_ended = False
    while chunk := archive.fileobj.read(1 << 20):
        if chunk.strip(b"\0"):
            raise tarfile.ReadError(f"something else than a member at byte {archive.offset}")
        is_ended = True
    if not is_ended:
        raise tarfile.ReadError("it ends before the archive does")


def _zip_member(one: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(one.external_attr >> 16)
    try:
        changed = datetime(*one.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        changed = 0
    is_known = changed > datetime(1980, 1, 2, tzinfo=UTC).timestamp()  # what a program writes that does not know the time
    return _Member(one.filename, _LINK if kind == stat.S_IFLNK else None, changed if is_known else None)


def _tar_member(one: tarfile.TarInfo, members: list[tarfile.TarInfo]) -> _Member:
    """A file, or a link that leads to one of the archive, by as many links as there are members at most."""
    is_link = one.issym() or one.islnk()
    target: tarfile.TarInfo | None = one
    for _ in members:
        if target is None or not (target.issym() or target.islnk()):
            break
        target = _target(target, members)
    if target is not None and target.isfile():
        return _Member(one.name, None, target.mtime or None)
    return _Member(one.name, _LINK if is_link else _NO_FILE)


def _target(link: tarfile.TarInfo, members: list[tarfile.TarInfo]) -> tarfile.TarInfo | None:
    """Where a link of an archive leads: a hard link to what stands before it, from the top; another from its own folder."""
    folder, among = (os.path.dirname(link.name), members) if link.issym() else ("", members[: members.index(link)])
    name = os.path.normpath(os.path.join(folder, link.linkname))
    return next((one for one in reversed(among) if os.path.normpath(one.name) == name), None)


def _once(members: list[_Member]) -> list[_Member]:
    """The same, where of several members of one name only the last can be read, as every reader of archives does."""
    last = {os.path.normpath(member.name): member for member in members}
    return [one if last[os.path.normpath(one.name)] is one else _Member(one.name, _OLDER) for one in members]
