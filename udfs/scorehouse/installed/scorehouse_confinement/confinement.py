"""What a dbt command on a Scorehouse project may do: decided here, once a process, and asked of the kernel.

On a branch: read the project, this environment, the declared sources, the store and all releases; write the branch's own folder,
`target/` and `logs/`; run no program, open no network connection, change no file's mode, reach no other process. On main: read
anything; write main's folder, the store, `target/` and `logs/`; the rest likewise.
"""

import atexit
import errno
import getpass
import hashlib
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scorehouse_confinement import git, landlock, locks, own_code, system_calls
from scorehouse_confinement.landlock import READ, READ_DIR, READ_FILE, WRITE, WRITE_FILE, WRITE_LINKS

REQUIRED = "SCOREHOUSE_CONFINEMENT"
"""Environment variable: `required` refuses a branch's command where the kernel withholds less than all of it."""

SOURCES = "SCOREHOUSE_SOURCES"
"""Environment variable: places that a branch may read beside those that main has read, separated as in PATH."""

LANDED = "sources"
"""File in main's private folder: the places that main reads sources from, one a line."""

START_BYTES = 6 << 30
"""Data that a branch's process may hold until the variable memory_limit is known."""

_LEAST = (
    (resource.RLIMIT_FSIZE, "-f", "bytes in a file", 4 << 20),
    (resource.RLIMIT_AS, "-v", "bytes of addresses", 1800 << 20),
    (resource.RLIMIT_DATA, "-d", "bytes of data", 768 << 20),
)
"""What the process's limits leave a build at its least, measured: Python and dbt end in a trace below."""

_REFUSED = {
    "deps": "fetches programs: run it on main (SCOREHOUSE_BRANCH=main)",
    "clean": "removes folders of the project: run it on main (SCOREHOUSE_BRANCH=main), or rm -r target",
    "serve": "opens a network port: python -m http.server --directory target shows the same",
}
_SYSTEM = (
    "/usr /lib /lib32 /lib64 /etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d /etc/localtime /etc/timezone /etc/os-release"
    " /etc/mime.types /etc/alternatives /etc/ssl /proc/cpuinfo /proc/meminfo /proc/stat /proc/filesystems /proc/version"
    " /proc/self/cgroup /proc/self/maps /proc/self/status /proc/sys/vm"
    " /sys/devices/system /sys/fs/cgroup /sys/kernel/mm /dev/urandom /dev/random"
).split()
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")

_HARMLESS = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM COLUMNS LINES TMPDIR TEMP TMP PWD VIRTUAL_ENV NO_COLOR FORCE_COLOR CI"
    " SOURCE_DATE_EPOCH WAREHOUSE_PATH".split()
)
_HARMLESS_KINDS = tuple(
    "DBT_ SCOREHOUSE_ PYTHON PYTEST_ LC_ LD_ OMP_ KMP_ GOMP_ OPENBLAS_ MKL_ BLIS_ NUMBA_ LOKY_ JOBLIB_ MALLOC_ ARROW_".split()
)
_PERSONAL_KEY = "SCOREHOUSE_PERSONAL_KEY"
_SECRET_KINDS = ("DBT_ENV_SECRET", "DBT_CLOUD")
_OF_THE_SUPERVISOR = ("SCOREHOUSE_ALERT", "SCOREHOUSE_HEARTBEAT")
"""Where messages go: dbt has no use for it."""


@dataclass(frozen=True)
class Confinement:
    """What this process is confined to, for good.

    Attributes:
        project: the project's folder.
        warehouse: the warehouse's folder.
        branch: the branch's name.
        gaps: what the kernel does not withhold, in words; none where it withholds everything.
        set_aside: what stood in the place of a folder, in sentences, until somebody says them.
    """

    project: Path
    warehouse: Path
    branch: str
    gaps: tuple[str, ...] = ()
    set_aside: list[str] = field(default_factory=list)

    @property
    def is_main(self) -> bool:
        """Whether this is production."""
        return self.branch == git.PRODUCTION

    @property
    def folder(self) -> Path:
        """The branch's own folder."""
        return self.warehouse / git.slug(self.branch)

    @property
    def private(self) -> Path:
        """The part of it that no other branch reads."""
        return self.folder / ".work"


current: Confinement | None = None
personal_key: str | None = None
"""What this process is confined to; None before its first command on a Scorehouse project."""


def enter(project: Path) -> None:
    """Confine this process for a command on a project; nothing happens for a project that is not Scorehouse's.

    Raises dbt's error, in one sentence, where the command cannot run confined.
    """
    global current
    project = project.resolve()
    warehouse = Path(os.environ.get("WAREHOUSE_PATH") or project / "warehouse")
    if own_code.is_installed(project):  # dbt's own macros
        return
    if current is None and not _is_ours(project):
        return
    wanted = Confinement(project, warehouse.resolve(), git.current(project, os.environ))
    command, parameters = _command()
    if not wanted.is_main and command in _REFUSED:
        raise _refusal(f"dbt {command} on branch '{wanted.branch}': expected main, because it {_REFUSED[command]}.")
    if current is None:
        if warehouse.parent.resolve() == project and warehouse.is_symlink() and not wanted.is_main:
            raise _refusal(f"{warehouse}: expected a folder, found a link; remove it and set WAREHOUSE_PATH to where it led.")
        if wanted.folder.is_symlink():
            raise _refusal(f"{wanted.folder}: expected a folder, found a link; remove it.")
        if wanted.warehouse.exists() and not wanted.warehouse.is_dir():
            raise _refusal(f"{wanted.warehouse}: expected a folder, found none; let WAREHOUSE_PATH name another.")
        for folder, option in zip(_own_folders(wanted, parameters), ("--target-path", "--log-path"), strict=True):
            if folder.is_symlink():
                raise _refusal(f"{folder}: expected a folder, found a link; remove it, and let {option} name where it led.")
        _expect_place(wanted.warehouse / "store")
        _expect_limits()
        current = _confined(wanted, command, parameters)
    elif not project.is_relative_to(current.project) and (project, wanted.warehouse) != (current.project, current.warehouse):
        raise _elsewhere(current, f"project {project} and warehouse {wanted.warehouse}")
    elif wanted.branch != current.branch:
        raise _elsewhere(current, f"branch '{wanted.branch}'")


def _is_ours(project: Path) -> bool:
    """Whether a project is Scorehouse's: by what a branch cannot take away, the warehouse, as well as by what it holds."""
    if os.environ.get("WAREHOUSE_PATH"):
        return True
    folders = (project, *project.parents)
    return any(os.path.lexists(folder / mark) for folder in folders for mark in ("udfs/scorehouse", "warehouse/store"))


def _expect_place(folder: Path) -> None:
    """Refuse a link that leads nowhere, as to a disk that is not mounted: nothing is to be built in its place."""
    if folder.is_symlink() and not folder.exists():
        raise _refusal(
            f"{folder}: expected a folder, found a link that leads nowhere; bring back what it leads to ({os.readlink(folder)}), "
            "or remove the link: everything is computed again."
        )


def _expect_limits() -> None:
    """Refuse limits of the process's with which no command comes to its end."""
    for limit, option, what, least in _LEAST:
        found, _ = resource.getrlimit(limit)
        if found != resource.RLIM_INFINITY and found < least:
            raise _refusal(f"ulimit {option}: expected at least {least:,} {what}, found {found:,}; raise it, or unset it.")


def _confined(wanted: Confinement, command: str | None, parameters: Mapping[str, Any]) -> Confinement:
    """Prepare what the command needs, and ask the kernel; returns what it is confined to."""
    abi, can_filter = landlock.version(), system_calls.can_withhold()
    found = Confinement(wanted.project, wanted.warehouse, wanted.branch, tuple(_gaps(abi, can_filter)))
    if found.gaps and not found.is_main and os.environ.get(REQUIRED) == "required":
        raise _refusal(
            f"Branch '{found.branch}': expected a kernel that confines the build ({REQUIRED}=required), found that "
            f"{'; '.join(found.gaps)}; build it on Linux 6.12 or later, or unset {REQUIRED}."
        )
    own = _own_folders(found, parameters)
    _prepare(found, own)
    locks.within_this_process()
    is_fetching = found.is_main and command in _REFUSED
    if abi:
        rules = dict(_rules_of_main(found, own, command) if found.is_main else _rules_of_branch(found, own, parameters))
        landlock.restrict(abi, rules, with_network=is_fetching, with_programs=is_fetching)
    if can_filter:
        withheld = (*system_calls.OTHER_PROCESSES, "prlimit64")
        withheld += () if is_fetching else (*system_calls.PROGRAMS, *system_calls.NETWORK)
        system_calls.withhold(withheld if found.is_main else (*withheld, *system_calls.METADATA))
    _expect_log(own[1] / "dbt.log")
    return found


def _gaps(abi: int, can_filter: bool) -> Iterator[str]:
    if not abi and not can_filter:
        yield "this system has neither Landlock nor filters of system calls, so only the gate protects main"
        return
    if not abi:
        yield "this kernel has no Landlock, so only the gate keeps it from other files"
    else:
        yield from landlock.gaps(abi)
    if not can_filter:
        yield "this system has no filters of system calls, so modes of files and networks other than TCP are open"
    if 0 < abi < 8 and threading.active_count() > 1:
        yield "threads that ran before dbt started may still reach files"


# ---------------------------------------------------------------- what it needs


def _own_folders(found: Confinement, parameters: Mapping[str, Any]) -> list[Path]:
    """`target/` and `logs/`, or what the command line or the environment names instead."""
    named = (parameters.get("target_path") or "target", parameters.get("log_path") or "logs")
    return [found.project / name for name in named]


def _prepare(found: Confinement, own: Iterable[Path]) -> None:
    _keep_from_others(found)
    _remove_links(found)
    places = _places(found)
    found.set_aside.extend(_set_aside(places))
    for folder in (*places, *own):
        with suppress(OSError):  # what cannot be written is said by whoever needs it
            folder.mkdir(parents=True, exist_ok=True)
    _caches(found)
    _hide_secrets()
    own_code.read_only_sources(found.project, found.private / "python")
    if found.is_main:
        _distrust(found, own)
        return
    _forget_environment()
    with suppress(ValueError, OSError):  # a stricter limit is set already
        resource.setrlimit(resource.RLIMIT_DATA, (START_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _places(found: Confinement) -> list[Path]:
    """The folders that a command on the branch writes to, outer ones first."""
    results = found.warehouse / "store" if found.is_main else found.folder / "built"
    private = (found.private, found.private / "tmp", found.private / "spill")
    return [found.folder, results, found.folder / "releases", found.folder / "ledger", *private]


def _set_aside(folders: Iterable[Path]) -> Iterator[str]:
    """Move away what is no folder and stands in the place of one; says so in a sentence each."""
    for folder in folders:
        if os.path.lexists(folder) and not folder.is_dir():
            kept = folder.with_name(f"{folder.name}.damaged.{time.strftime('%Y%m%dT%H%M%S')}")
            with suppress(OSError):  # what cannot be moved is said by whoever needs the folder
                folder.rename(kept)
                yield f"{folder}: expected a folder, found none; what stood there is now beside it, as {kept.name}."


def _remove_links(found: Confinement) -> None:
    """Take away links that a branch's build left where this one is about to write: nothing withholds yet what they lead to."""
    own = (found.private, *(found.private / name for name in ("tmp", "numba", "python")))
    for path in (*own, found.folder / "releases", found.folder / "built"):
        if path.is_symlink():
            path.unlink()


def _expect_log(log: Path) -> None:
    """Refuse a log that dbt cannot write: it would end with a trace."""
    try:
        if os.path.lexists(log):
            os.close(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK))
        elif not _can_write(log.parent):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _refusal(
            f"{log}: expected a file that this command may write, found: {error.strerror}; remove it, or name another folder: "
            "--log-path"
        ) from None


def _keep_from_others(found: Confinement) -> None:
    """Write nothing for others, whatever the command, where a release of main or of the branch has files for audiences."""
    folders = (found.warehouse / git.PRODUCTION, found.folder)
    if any((folder / ".current" / "serving").is_dir() for folder in folders):
        os.umask(os.umask(0o077) | 0o007)


def _caches(found: Confinement) -> None:
    """Temporary files and compiled code lie in the branch's own folder: what a branch writes is nothing that main would run."""
    os.environ["TMPDIR"] = str(found.private / "tmp")
    tempfile.tempdir = None
    of_main = found.warehouse / git.PRODUCTION / ".work"
    given = os.environ.get("NUMBA_CACHE_DIR")
    _start_with(of_main / "python", found.private / "python")
    if not (found.is_main and given and _can_write(Path(given))):
        _start_with(Path(given) if given else of_main / "numba", found.private / "numba")
        os.environ["NUMBA_CACHE_DIR"] = str(found.private / "numba")
    if "numba.core.config" in sys.modules:
        sys.modules["numba.core.config"].CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
    os.environ["JOBLIB_MULTIPROCESSING"] = "0"  # it would start programs
    with suppress(KeyError, OSError):  # a user without a name
        os.environ.setdefault("LOGNAME", getpass.getuser())  # later the list of users cannot be read
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(os.cpu_count() or 1))  # it would run a program to ask


def _can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing: once confined, nobody could make it."""
    with suppress(OSError):  # not a folder, or none that can be made
        folder.mkdir(parents=True, exist_ok=True)
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _start_with(known: Path, own: Path) -> None:
    """Let a new branch start with what main has compiled."""
    if known.is_dir() and not own.exists():
        with suppress(OSError, shutil.Error):  # without it, code is compiled again
            shutil.copytree(known, own, copy_function=shutil.copyfile)


def _forget_environment() -> None:
    """Take from this process what a table could show of the environment: passwords and tokens of other programs."""
    for name in list(os.environ):
        is_known = name in _HARMLESS or name.startswith(_HARMLESS_KINDS)
        if not is_known or name.startswith(_SECRET_KINDS):
            del os.environ[name]
    _show_environment()


def _hide_secrets() -> None:
    """Put the key of pseudonyms where no table shows it, and take away where messages go."""
    global personal_key
    personal_key = os.environ.pop(_PERSONAL_KEY, None)
    for name in [name for name in os.environ if name.startswith(_OF_THE_SUPERVISOR)]:
        del os.environ[name]
    _show_environment()


def _show_environment() -> None:
    """Let dbt see the environment as it is now."""
    from dbt_common.context import get_invocation_context

    with suppress(LookupError):  # started otherwise than by a command
        context = get_invocation_context()
        context._env = {name: value for name, value in context._env.items() if name in os.environ}
        context._env_private = {}


def _distrust(found: Confinement, own: Iterable[Path]) -> None:
    """Let main read no parsed project, and retry no run, that another branch left in `target/`."""
    seals = found.private / "sealed"
    known = set(_lines(seals))
    for file in _trusted_files(own):
        if file.is_symlink() or _hash(file) not in known:
            file.unlink(missing_ok=True)

    atexit.register(_seal, seals, own)


def _lines(file: Path) -> list[str]:
    """What a file of ours lists; nothing where it is gone or damaged: nothing in `target/` is believed then, no place known."""
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _seal(seals: Path, own: Iterable[Path]) -> None:
    """Remember what main has written in `target/`, which the next command on main reads."""
    with suppress(OSError):  # then the next command parses the project anew
        seals.write_text("\n".join(map(_hash, _trusted_files(own))))


def _trusted_files(own: Iterable[Path]) -> list[Path]:
    target = next(iter(own))
    return [
        file for file in (target / "partial_parse.msgpack", target / "run_results.json") if file.exists() or file.is_symlink()
    ]


def _hash(file: Path) -> str:
    try:
        with open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "unreadable"


# ---------------------------------------------------------------- what it may touch


def _rules_of_main(found: Confinement, own: Iterable[Path], command: str | None) -> Iterator[tuple[Path, int]]:
    yield Path("/"), READ
    whole = {"deps": found.project, "clean": found.project, "run-operation": found.warehouse}
    yield found.folder, WRITE_LINKS
    places = [found.warehouse / "store", *own]
    if command in whole:
        places.append(whole[command])
    if os.environ.get("NUMBA_CACHE_DIR"):
        places.append(Path(os.environ["NUMBA_CACHE_DIR"]))
    yield from ((place, WRITE) for place in places)
    yield from ((Path(device), READ_FILE | WRITE_FILE) for device in _DEVICES)


def _rules_of_branch(found: Confinement, own: Iterable[Path], parameters: Mapping[str, Any]) -> Iterator[tuple[Path, int]]:
    readable = {
        *(Path(path).resolve() for path in _SYSTEM),
        *_environment(found),
        *_around(found.project, {found.warehouse, found.project / ".git"}),
        *git.files(found.project),
        *_profiles(parameters),
        *_sources(found, parameters),
        found.warehouse / "store",
        *_releases(found.warehouse),
    }
    rules = dict.fromkeys(readable, READ)
    rules |= {found.warehouse: READ_DIR, found.project: READ_DIR}  # names only
    rules |= {Path(device): READ_FILE | WRITE_FILE for device in _DEVICES}
    rules |= {**dict.fromkeys(own, WRITE), found.folder: WRITE_LINKS}
    yield from rules.items()


def _environment(found: Confinement) -> Iterator[Path]:
    """The interpreter, and what it imports from, as it was started; the project's own folders count as the project's."""
    for entry in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path):
        path = Path(entry).resolve()
        if entry and path != found.project and path not in found.project.parents:
            yield path


def _around(folder: Path, holes: set[Path]) -> Iterator[Path]:
    """What is in a folder, but for `holes` and links."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.is_symlink() or entry in holes:
            continue
        if any(hole.is_relative_to(entry) for hole in holes):
            yield from _around(entry, holes)
        else:
            yield entry


def _profiles(parameters: Mapping[str, Any]) -> Iterator[Path]:
    named = parameters.get("profiles_dir") or os.environ.get("DBT_PROFILES_DIR")
    if named:
        yield Path(named).resolve() / "profiles.yml"


def _sources(found: Confinement, parameters: Mapping[str, Any]) -> Iterator[Path]:
    """Where sources may lie: where main has read them, and where the command line and the environment say."""
    landed = found.warehouse / git.PRODUCTION / ".work" / LANDED
    listed = _lines(landed) + (os.environ.get(SOURCES) or "").split(os.pathsep)
    for text in (*listed, *_texts(parameters.get("vars") or {})):
        path = (found.project / os.path.expanduser(text)).resolve() if text and "\0" not in text else found.project
        if not found.project.is_relative_to(path) and not path.is_relative_to(found.warehouse) and os.path.exists(path):
            yield path


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _releases(warehouse: Path) -> Iterator[Path]:
    for folder in warehouse.iterdir() if warehouse.is_dir() else []:
        if not folder.is_symlink():
            yield folder / "releases"


# ---------------------------------------------------------------- how dbt was started


def _command() -> tuple[str | None, Mapping[str, Any]]:
    """The command's name and parameters, by click; None and none where something else than a command started dbt."""
    import click

    context = click.get_current_context(silent=True)
    if context is None:
        return None, {}
    parameters: dict[str, Any] = {}
    for part in (context.parent, context):
        parameters |= {name: value for name, value in (part.params if part else {}).items() if value is not None}
    return context.info_name, parameters


def _elsewhere(confined: Confinement, found: str) -> Exception:
    return _refusal(
        f"This process is confined to branch '{confined.branch}' of {confined.project} for good: expected another command on it, "
        f"found {found}; start a new process."
    )


def _refusal(sentence: str) -> Exception:
    from dbt_common.exceptions import DbtRuntimeError

    return DbtRuntimeError(sentence)
