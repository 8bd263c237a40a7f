"""Kills, crowds and full disks: what happens to readers and to the next build."""

import math
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from project.harness import DBT, Project
from scorehouse.names.warehouse import Warehouse
from scorehouse.release.pointer import point_to

READER = """
import sys, time, duckdb
folder, stop = sys.argv[1:3]
import os
while not os.path.exists(stop):
    with duckdb.connect(f"{folder}/serving.duckdb", read_only=True, config={"threads": 1}) as serving:
        print("serving", *serving.execute("select any_value(release), (select sum(score) from scores) from release").fetchone())
    with duckdb.connect(f"{folder}/catalog.duckdb", read_only=True, config={"threads": 1}) as catalog:
        print("catalog", *catalog.execute(
            "select (select sum(score) from serving.scores), sum(value * points)"
            " from features.weighted join configuration.points using (kind)").fetchone())
    time.sleep(0.02)
"""


@pytest.mark.drill
def test_readers_in_other_processes_see_no_error_and_no_mix_during_publishes_and_rollbacks(tiny: Project, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(tiny.folder()), str(stop)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for weight in range(4):
        tiny.build("--vars", f"{{weight: {weight}}}")
        assert tiny.operation("rollback").is_green
    stop.touch()
    seen = [reader.communicate(timeout=60) for reader in readers]
    assert [error for _, error in seen] == ["", ""]
    rows = [line.split() for output, _ in seen for line in output.splitlines()]
    sums_of_release: dict[str, set[str]] = {}
    for _, release, total in [row for row in rows if row[0] == "serving"]:
        sums_of_release.setdefault(release, set()).add(total)
    assert len(sums_of_release) > 3
    assert all(len(sums) == 1 for sums in sums_of_release.values())
    assert all(stored == computed for kind, stored, computed in rows if kind == "catalog")


@pytest.mark.drill
def test_a_build_killed_at_any_moment_leaves_the_release_and_the_next_build_repairs(tiny: Project) -> None:
    chance = random.Random(7)
    before = tiny.serving("from scores order by all")
    for attempt in range(10):
        release = tiny.release()
        build = tiny.start("build", "--vars", f"{{weight: {attempt + 10}}}")
        time.sleep(chance.uniform(0.5, 6))
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate()
        if tiny.release() == release:
            assert tiny.serving("from scores order by all") == before
        before = tiny.serving("from scores order by all")
    tiny.build("--vars", "{weight: 100}")
    # (amount * 2 * 100 + 10) * points
    assert tiny.serving("select event_id, score from scores order by all") == [("1", 1005), ("2", 8020), ("3", 3005)]
    files = list((tiny.warehouse / "store").glob("*/*"))
    assert not [file for file in files if file.name.startswith(".")]
    for file in files:
        if file.suffix == ".duckdb":
            with duckdb.connect(str(file), read_only=True) as connection:
                connection.execute("from data").fetchall()


KILLED = """
import glob, os, signal, sys
from dbt.cli.main import dbtRunner

folder, number, *command = sys.argv[1:]
SEEN, left = ("releases", "current", "CURRENT", "catalog.duckdb", "serving.duckdb"), [float(number)]

def count(event, arguments):
    if event.split(".")[0] not in ("os", "open", "shutil") or event in ("os.listdir", "os.scandir"):
        return
    if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return  # reading changes nothing
    paths = [str(one) for one in arguments[:2] if isinstance(one, (str, os.PathLike))]
    if any(path.startswith(f"{folder}/") and path[len(folder) + 1:].split("/")[0].lstrip(".").startswith(SEEN) for path in paths):
        left[0] -= 1
        if left[0] < 0 or number == "inf" and glob.glob(f"{folder}/releases/[0-9]*/.coming"):
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
sys.exit(0 if dbtRunner().invoke(command).success else 1)
"""
"""Runs dbt, and kills itself before its n-th operation on what readers see; of inf: once a finished release has its name."""


def killed_at(project: Project, number: float, *command: str) -> bool:
    """Whether dbt was killed before its n-th operation on what readers of main see; else it ended green."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "WAREHOUSE_"))}
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(project.folder()), str(number), *command, *project.folders()],
        cwd=project.root,
        env={**environment, "SCOREHOUSE_BRANCH": "main", "DBT_PROJECT_DIR": str(project.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stdout
    return ended.returncode != 0


def seen_by_readers(project: Project) -> tuple[int, list[tuple]]:
    """The release that every name shows, and its rows."""
    folder = project.folder()
    release = project.release()
    assert project.serving("select distinct release from release") == [(release,)]
    assert project.catalog("select distinct release from scorehouse.release") == [(release,)]
    assert {(folder / name).resolve().parent.name for name in ("CURRENT", "serving.duckdb", "catalog.duckdb")} == {str(release)}
    rows = project.serving("from scores order by all")
    assert project.catalog("from serving.scores order by all") == rows
    return release, rows


KILLS = int(os.environ.get("SCOREHOUSE_KILLS", "16"))
"""Each so many operations a kill is tried; `SCOREHOUSE_KILLS=1 make test` tries all."""


@pytest.mark.drill
def test_a_build_killed_before_any_operation_on_what_readers_see_leaves_one_release_whole(tiny: Project) -> None:
    known, number, is_killed = {}, 0, True
    while is_killed:
        _, before = seen_by_readers(tiny)
        weight = 100 + number
        is_killed = killed_at(tiny, number, "build", "--vars", f"{{weight: {weight}}}")
        release, rows = seen_by_readers(tiny)
        # (amount * 2 * weight + 10) * points
        asked = [("1", 10 * weight + 5), ("2", 80 * weight + 20), ("3", 30 * weight + 5)]
        assert [row[:2] for row in rows] in (asked, [row[:2] for row in before])
        assert rows == known.setdefault(release, rows)
        number += KILLS
    assert number > 15
    assert [row[:2] for row in rows] == asked
    assert "nothing changed" in tiny.build("--vars", f"{{weight: {weight}}}").output
    assert told_of(tiny) == sorted(known)


def test_a_release_whose_build_died_behind_the_switch_is_written_down_by_the_next_that_is_green(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 3}")
    ledger = max((tiny.folder() / "ledger").glob("*.jsonl"))
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(lines[: next(n for n, line in enumerate(lines) if '"published"' in line)]))
    red = tiny.dbt("build", "--vars", "{weight: none}")
    assert not red.is_green and "did not come to its end: it was stopped or killed" in red.output
    assert "Release 2, which is served, is of a run that did not write so down" in red.output
    assert told_of(tiny) == [1]
    green = tiny.build("--vars", "{weight: 3}").output
    assert "Release 2, which is served, is of a run that did not write so down" in green and "Release 2 of main stays" in green
    assert "did not come to its end" not in green
    assert told_of(tiny) == [1, 2]
    assert "did not" not in tiny.build("--vars", "{weight: 3}").output


def told_of(project: Project) -> list[int]:
    """The releases whose publication the ledger has."""
    rows = project.work("main", "select cast(details ->> 'release' as integer) from history.ledger where event = 'published'")
    return sorted(number for (number,) in rows)


@pytest.mark.drill
def test_a_release_that_was_finished_and_that_nobody_was_led_to_is_none(tiny: Project) -> None:
    """Killed between its folder's rename and the switch; a rollback's releases stay."""
    tiny.build("--vars", "{weight: 3}")
    assert killed_at(tiny, math.inf, "build", "--vars", "{weight: 4}")
    assert coming(tiny) == [3] and tiny.release() == 2
    assert tiny.operation("verify_audit").is_green
    assert coming(tiny) == [] and not (tiny.folder() / "releases/3").exists()
    assert "Published release 3 of main" in tiny.build("--vars", "{weight: 4}").output
    assert tiny.operation("rollback", "{to: 1}").is_green
    assert tiny.operation("rollback", "{to: 3}").is_green and tiny.operation("verify_audit").is_green


def coming(project: Project) -> list[int]:
    return [int(file.parent.name) for file in project.folder().glob("releases/*/.coming") if file.parent.name.isdigit()]


@pytest.mark.drill
def test_a_rollback_killed_before_any_operation_on_what_readers_see_is_done_or_not(tiny: Project) -> None:
    releases = {1: seen_by_readers(tiny)[1]}
    number, is_killed = 0, True
    while is_killed:
        tiny.build("--vars", f"{{weight: {100 + number}}}")
        release, rows = seen_by_readers(tiny)
        releases[release] = rows
        is_killed = killed_at(tiny, number, "run-operation", "rollback", "--args", "{to: 1}")
        release, rows = seen_by_readers(tiny)
        assert rows == releases[release]
        number += 1
    assert number > 2
    assert release == 1


ENDLESS = "with recursive forever as (select 1 as n union all select n + 1 from forever) select count(*) as number from forever"


@pytest.mark.drill
def test_ctrl_c_stops_what_is_being_computed_and_the_next_build_goes_on(tiny: Project) -> None:
    kept = (tiny.root / "models/features/unrelated.sql").read_text()
    tiny.write("models/features/unrelated.sql", ENDLESS)
    build = tiny.start("build")
    assert any("START sql table model features.unrelated" in line for line in build.stdout)
    time.sleep(4)  # what had not begun by then would be ended without a word of its own
    os.killpg(build.pid, signal.SIGINT)
    output, _ = build.communicate(timeout=60)
    assert "ERROR creating sql table model features.unrelated" in output
    assert "Interrupted: readers have a whole release; run it again." in output and "Traceback" not in output
    assert tiny.release() == 1
    for seconds in (0.3, 1.5, 3):
        build = tiny.start("build")
        time.sleep(seconds)
        os.killpg(build.pid, signal.SIGINT)
        output, _ = build.communicate(timeout=60)
        assert output.splitlines()[-1] == "Interrupted: readers have a whole release; run it again."
        assert "Traceback" not in output and build.returncode in (2, 130)
    tiny.write("models/features/unrelated.sql", kept)
    tiny.build()
    assert tiny.computed() == set()


@pytest.mark.drill
def test_garbage_is_collected_beside_a_running_build_and_takes_nothing_of_it(tiny: Project) -> None:
    kept = (tiny.root / "models/features/unrelated.sql").read_text()
    tiny.build("--vars", "{weight: 7}", branch="idle")
    tiny.build("--vars", "{retained_releases: 1, weight: 7}", branch="idle")
    tiny.build("--vars", "{retained_releases: 1, weight: 8}", branch="idle")
    tiny.build("--vars", "{weight: 9}")
    tiny.build("--vars", "{retained_releases: 1}")  # what weighed 9 is garbage now, and what the build below asks for
    tiny.write("models/features/unrelated.sql", f"{ENDLESS}\n")
    build = tiny.start("build", "--vars", "{weight: 9}", branch="busy")
    assert any("START sql table model features.unrelated" in line for line in build.stdout)
    collected = tiny.operation("collect_garbage", "{delete: true}").output
    assert "Deleted 2 files" in collected
    assert "Being built: busy" in collected
    os.killpg(build.pid, signal.SIGKILL)
    build.communicate()
    tiny.write("models/features/unrelated.sql", kept)
    tiny.build("--vars", "{weight: 9}", branch="busy")
    assert tiny.computed("busy") == set()
    tiny.operation("drop_branch", "{branch: busy}")
    assert "Deleted 2 files" in tiny.operation("collect_garbage", "{delete: true}").output
    assert "Nothing to delete" in tiny.operation("collect_garbage", "{delete: true}").output
    assert not [file for file in tiny.warehouse.glob("store/*/*.json") if not any(file.parent.glob(f"{file.stem}.[dp]*"))]


@pytest.mark.drill
def test_processes_that_build_the_same_nodes_at_once_all_succeed(tiny: Project) -> None:
    weights = [("main", 41), ("main", 41), ("one", 41), ("two", 41)]
    builds = [tiny.start("build", "--vars", f"{{weight: {weight}}}", branch=branch) for branch, weight in weights]
    outputs = [build.communicate(timeout=300)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0, 0, 0], "\n".join(outputs)
    served = {branch: tiny.serving("from scores order by all", branch) for branch, _ in weights}
    assert served["main"] == served["one"] == served["two"]


@pytest.mark.drill
def test_a_full_disk_gets_one_sentence_and_loses_nothing(tiny: Project) -> None:
    tiny.write("models/features/unrelated.sql", "select hash(i) as number from range(3000000) as numbers(i)\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "WAREHOUSE_"))}
    full = subprocess.run(  # no file may grow beyond 8 MB: what a full disk does to a writer
        ["bash", "-c", f"ulimit -f 8192; exec {DBT} --no-use-colors build"],
        cwd=tiny.root,
        env={**environment, "SCOREHOUSE_BRANCH": "main"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 1, full.stdout
    assert "features.unrelated: expected to write" in full.stdout
    assert "free disk space" in full.stdout
    assert tiny.release() == 1
    tiny.build()
    assert tiny.release() == 2


def spoil(file: Path) -> None:
    """Give a file another content, whatever leads to it."""
    file.unlink()
    file.write_bytes(b"not what was here")


DAMAGES = {
    "CURRENT is empty": lambda folder: ((folder / "CURRENT").unlink(), (folder / "CURRENT").touch()),
    "CURRENT is gone": lambda folder: (folder / "CURRENT").unlink(),
    "CURRENT holds garbage": lambda folder: spoil(folder / "CURRENT"),
    "the link is gone": lambda folder: (folder / ".current").unlink(),
    "the link leads nowhere": lambda folder: ((folder / ".current").unlink(), (folder / ".current").symlink_to("releases/99")),
    "the catalog's name is gone": lambda folder: (folder / "catalog.duckdb").unlink(),
    "the serving file's name holds garbage": lambda folder: spoil(folder / "serving.duckdb"),
    "the release's catalog is gone": lambda folder: (folder / "releases/1/catalog.duckdb").unlink(),
    "the release's serving file holds garbage": lambda folder: spoil(folder / "releases/1/serving.duckdb"),
    "the release is gone": lambda folder: shutil.rmtree(folder / "releases/1"),
    "the work database holds garbage": lambda folder: spoil(folder / ".work/warehouse.duckdb"),
    "the work database is gone": lambda folder: (folder / ".work/warehouse.duckdb").unlink(),
}


def occupy(place: Path) -> None:
    """Put a file where a folder belongs, and a folder with something in it where a file does."""
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("not what was here")
    else:
        place.unlink()
        place.mkdir()
        (place / "inner").touch()


OCCUPIED = [
    "main/releases main/ledger main/.work/tmp main/.work/sources store/serving.scores store/features.weighted/*.json".split(),
    ["main", "store"],
]


@pytest.mark.drill
@pytest.mark.parametrize("places", OCCUPIED, ids=", ".join)
def test_what_stands_in_the_place_of_another_kind_is_set_aside_by_the_next_build(tiny: Project, places: list[str]) -> None:
    """Confined: where a folder's place is beside what a build may write, it is moved before anything is withheld."""
    served = tiny.serving("from scores order by all")
    for place in places:
        occupy(next(tiny.warehouse.glob(place)))
    outcome = tiny.apart("build")
    assert outcome.is_green, outcome.output
    assert tiny.serving("from scores order by all") == served
    for place in (place for place in places if "." not in place):
        assert f"{tiny.warehouse / place}: expected a folder, found none; what stood there is now beside it" in outcome.output


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_damaged_is_healed_by_the_next_build(tiny: Project, damage: str) -> None:
    folder, served = tiny.folder(), tiny.serving("from scores order by all")
    DAMAGES[damage](folder)
    tiny.build()
    assert tiny.computed() == set()
    assert tiny.serving("from scores order by all") == served
    assert tiny.catalog("select count(*) from features.weighted") == [(3,)]
    assert os.readlink(folder / ".current") == f"releases/{tiny.release()}"
    tiny.build()
    assert "nothing changed" in tiny.build().output


def test_readers_see_one_release_through_every_name_at_every_moment(tiny: Project) -> None:
    folder, seen, stop = tiny.folder(), [], threading.Event()
    for number in range(2, 300):
        shutil.copytree(folder / "releases/1", folder / f"releases/{number}", copy_function=os.link)

    def read() -> None:
        while not stop.is_set():
            release = (folder / ".current").resolve()
            names = [(folder / name).resolve().parent for name in ("CURRENT", "serving.duckdb", "catalog.duckdb")]
            if (folder / ".current").resolve() == release:
                seen.append(set(names) == {release})

    reader = threading.Thread(target=read)
    reader.start()
    warehouse = Warehouse.of(tiny.warehouse, "main")
    for number in range(2, 300):
        point_to(warehouse, number)
        time.sleep(0.001)
    stop.set()
    reader.join()
    assert len(seen) > 100
    assert all(seen)


def test_leftovers_of_processes_that_died_are_removed(tiny: Project) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = [
        tiny.folder() / f".serving.duckdb.{gone.pid}.tmp",
        tiny.folder() / f".work/.warehouse.duckdb.{gone.pid}.tmp",
        tiny.folder() / f"releases/.7.{gone.pid}.tmp/serving.duckdb",
        tiny.folder() / f"releases/1/.catalog.duckdb.{gone.pid}.tmp",
        tiny.warehouse / f"store/features.weighted/.a.duckdb.1f.{gone.pid}.tmp",
        tiny.warehouse / f"store/features.weighted/.a.duckdb.1f.{gone.pid}.tmp.wal",
        tiny.folder() / ".work/tmp/tmpabcd/plain.csv",
        tiny.folder() / ".work/spill/duckdb_temp_storage_DEFAULT-0.tmp",
    ]
    raw_of_a_branch = tiny.folder("idle") / ".work/tmp/tmpabcd/plain.csv"
    for path in (*left, raw_of_a_branch):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    (first,) = (tiny.folder() / "ledger").glob("*.jsonl")
    shutil.copyfile(first, first.with_name("00000002-second.jsonl"))
    of_long_ago = first.with_name("00000000-old.jsonl")
    of_long_ago.write_text('{"happened_at": "2020-01-01T00:00:00Z", "event": "start", "up": 1.0}\n')
    alive = tiny.warehouse / f"store/features.weighted/.b.duckdb.1f.{os.getpid()}.tmp"
    alive.touch()
    tiny.build()
    assert not [path for path in (*left, of_long_ago) if path.exists()]
    assert alive.exists()
    assert tiny.operation("collect_garbage", "{delete: true}").is_green
    assert not raw_of_a_branch.exists()
