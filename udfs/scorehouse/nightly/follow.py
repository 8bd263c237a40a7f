"""Near real time: newly arrived files are landed, scored and served, one build after the other.

    python -m scorehouse.nightly.follow --every 10 [options of dbt build]

It looks at the places that sources are read from every so many seconds. Files that have come are built as a supervised run once
nobody writes any of them, or after `PATIENCE` more looks: a build reads whatever is there then, and again what has grown since.
Whatever comes meanwhile waits for the next build, all of it together. A build that fails is tried again when other files or
another commit have come, or after `RETRY_SECONDS`.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scorehouse.names import git
from scorehouse.names.warehouse import NIGHTS, Warehouse
from scorehouse.nightly import last_resort, process
from scorehouse.nightly.supervise import NOT_RUN, SERVED, Nightly, signals

RETRY_SECONDS = 600.0
PATIENCE = 3
Seen = dict[Path, tuple[int, int]]
"""Files with their sizes and the times (ns) at which they were last written, moved there or renamed."""


def arrived(places: Sequence[Path]) -> Seen:
    """All files at some places, at any depth."""
    found: Seen = {}
    for path in (path for place in places for path in _files(place)):
        with suppress(OSError):
            state = path.stat()
            found[path] = (state.st_size, state.st_ctime_ns)
    return found


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, _, names in os.walk(place, followlinks=True):
        yield from (Path(folder, name) for name in names if not name.startswith("."))


class Follower:
    """Builds whenever files have come.

    Args:
        project: the project's folder.
        arguments: options of dbt build.
        every_seconds: between two looks.
    """

    def __init__(self, project: Path, arguments: Sequence[str], environment: Mapping[str, str], every_seconds: float) -> None:
        self._project = project
        self._arguments = arguments
        self._environment = environment
        self._every = every_seconds
        self._warehouse = Warehouse.of_project(project, environment)
        self._end = threading.Event()
        self._run: Nightly | None = None
        self._looked: tuple[Seen, str | None] = ({}, None)
        self._served: Seen | None = None

    def end(self, name: str) -> None:
        """Stop after the build that is under way, which is stopped too."""
        self._end.set()
        if self._run is not None:
            self._run.end(name)

    def follow(self) -> int:
        """Look, build, and look again, until it is told to end. Returns the exit status of the last build."""
        print(f"Following {self._warehouse.branch} every {self._every:g} s; Ctrl-C ends it.", flush=True)
        began = time.time()
        built, commit = self._look()
        code, tried_at = self._build(built), time.monotonic()
        seen, looks = built, 0
        while not self._end.wait(self._every):
            now, head = self._look()
            if not built and now:  # a branch's first builds find out where its files are: what was there before is known
                built = seen = self._served = {file: state for file, state in now.items() if state[1] / 1e9 < began}
            changed = {file for file in now.keys() | built.keys() if built.get(file) != now.get(file)}
            looks = looks + 1 if changed else 0
            is_settled = all(seen.get(file) == now.get(file) for file in changed) or looks > PATIENCE
            is_due = code == NOT_RUN or (code != SERVED and time.monotonic() - tried_at > RETRY_SECONDS)
            if (changed and is_settled) or head != commit or is_due:
                answer = self._build(now)
                if answer != NOT_RUN:  # else another run is under way: it is asked again at the next look
                    code, tried_at, commit, looks, built = answer, time.monotonic(), head, 0, now
            seen = now
        return code

    def _look(self) -> tuple[Seen, str | None]:
        """What there is to build: files, and the project's commit."""
        with suppress(OSError, UnicodeError):  # a mount that is gone for a moment, a checkout under way
            listed = self._warehouse.landed.read_text().splitlines() if self._warehouse.landed.is_file() else []
            self._looked = arrived([Path(place) for place in listed]), git.commit(self._project)
        return self._looked

    def _build(self, files: Seen) -> int:
        """Build what is there; what has come since the last green build is told of as served when this one is green."""
        known = files if self._served is None else self._served  # what was there before the first build has waited for nobody
        came = {str(file): state[1] / 1e9 for file, state in files.items() if known.get(file) != state}
        self._run = Nightly(self._project, self._arguments, self._environment, arrived=came, waits=False)
        code = self._run.run()
        if code == SERVED or self._served is None:
            self._served = files
        if self._run.is_ended:
            self._end.set()
        self._run = None
        return code


def main(arguments: Sequence[str]) -> int:
    """Follow the project in this folder."""
    parser = argparse.ArgumentParser(prog="python -m scorehouse.nightly.follow", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="between two looks (10)")
    known, others = parser.parse_known_args(arguments)
    if known.every <= 0:
        parser.error(f"--every: expected seconds above 0, found {known.every:g}")
    project = Path(os.environ.get("DBT_PROJECT_DIR") or Path.cwd()).resolve()
    follower = Follower(project, others, os.environ, known.every)
    try:
        with signals(follower.end):
            return follower.follow()
    except Exception as error:  # whoever runs the machine must hear that it follows no more
        return last_resort.tell(project, error, NIGHTS)


if __name__ == "__main__":
    process.run(lambda: main(sys.argv[1:]))
