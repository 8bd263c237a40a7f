"""A process that nobody watches ends, says how, and leaves none behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scorehouse.ledger import lines
from scorehouse.ledger.lines import ATTENTION, FINISH, START, Ledger
from scorehouse.nightly import process, supervise
from scorehouse.nightly.child import Ended
from scorehouse.nightly.triage import Triage

REPOSITORY = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY / "udfs")}


def started(code: str, shell: str = "") -> subprocess.Popen:
    command = ["bash", "-c", f'exec "$0" -c "$1" {shell}', sys.executable, code]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def test_a_librarys_thread_that_waits_for_ever_keeps_nothing() -> None:
    code = "import threading, time\nfrom scorehouse.nightly import process\n"
    code += "threading.Thread(target=time.sleep, args=[60]).start()\nprocess.run(lambda: 3)"
    began = time.monotonic()
    assert started(code).wait(30) == 3
    assert time.monotonic() - began < 20


def test_no_answer_is_waited_for_once_the_process_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it was asked to end while it waits."""
    monkeypatch.setattr(process, "ending", threading.Event())
    threading.Timer(0.2, process.ending.set).start()
    began, silent = time.monotonic(), threading.Thread(target=threading.Event().wait, daemon=True)
    silent.start()
    for _ in range(2):
        process.wait_for(silent, 60)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(("main", "status"), [("lambda: 0", 0), ("lambda: 1 / 0", 1), ("lambda: exit(2)", 2)])
def test_whatever_happens_is_an_exit_status(main: str, status: int) -> None:
    assert started(f"from scorehouse.nightly import process\nprocess.run({main})", "2>/dev/null").wait(30) == status


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_printed_where_a_stream_is_closed_goes_into_no_file(tmp_path: Path, closed: str) -> None:
    file = tmp_path / "first"
    code = "import os, sys\nfrom scorehouse.nightly import process\n"
    code += f"def main():\n    stream = open({str(file)!r}, 'w')\n    print('out')\n    print('err', file=sys.stderr)\n"
    code += "    os.system('echo from a child; echo from a child >&2')\n    stream.close()\n    return 0\nprocess.run(main)"
    assert started(code, closed).wait(30) == 0
    assert file.read_text() == ""


def test_a_build_ends_with_its_supervisor(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = "from pathlib import Path\nfrom scorehouse.nightly.child import Child\n"
    code += f"child = Child(print, 100, 1)\nchild.run(['bash', '-c', 'echo $$ > {pid}; exec sleep 100'], Path('/'), {{}})"
    supervisor = started(code)
    while not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.05)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(10)
    for _ in range(100):
        if not Path("/proc", pid.read_text().strip()).exists() or "zombie" in state_of(pid.read_text().strip()):
            return
        time.sleep(0.05)
    raise AssertionError("the build lives on")


def state_of(pid: str) -> str:
    return Path("/proc", pid, "status").read_text()


def test_what_a_command_started_does_not_outlive_its_time() -> None:
    code = "from pathlib import Path\nfrom scorehouse.nightly.child import Child\n"
    code += "print(Child(print, 1, 1).run(['bash', '-c', 'sleep 60 & kill -9 $$'], Path('/'), {}).why)"
    began = time.monotonic()
    assert "time limit" in started(code).communicate(timeout=30)[0]
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("between", [0, 50])
@pytest.mark.parametrize("is_at_work", [False, True])
def test_a_supervised_run_that_died_is_found_however_early_and_however_long_ago(
    tmp_path: Path, is_at_work: bool, between: int
) -> None:
    lost = Ledger(tmp_path, "lost")
    lost.write(START, details={"is_supervised": True})
    if is_at_work:
        lost.write(supervise.ATTEMPT)
    for number in range(between):
        plain = Ledger(tmp_path, f"plain-{number}")
        plain.write(START)
        plain.write(ATTENTION)
    assert len(list(supervise._mark_lost(tmp_path))) == 1
    assert list(supervise._mark_lost(tmp_path)) == []
    assert [line.details["outcome"] for line in lines.read(lost.file, [FINISH])] == [supervise.LOST]


def test_a_run_that_fails_of_itself_has_an_end_and_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(night: supervise.Nightly) -> int:
        night.ledger.write(START, details={"is_supervised": True})
        raise LookupError("nobody thought of this")

    monkeypatch.setattr(supervise.Nightly, "_run", fails)
    night = supervise.Nightly(tmp_path, [], {"SCOREHOUSE_BRANCH": "main"})
    with pytest.raises(LookupError):
        night.run()
    assert [line.event for line in lines.read(night.ledger.file)] == [START, FINISH]
    assert list(supervise._mark_lost(night.ledger.file.parent)) == []


def test_a_lost_run_whose_file_is_somebody_elses_is_not_found_anew_every_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(tmp_path, "theirs").write(START, details={"is_supervised": True})

    def refused(_: Ledger) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as theirs:
        theirs.setattr(Ledger, "_write_waiting", refused)
        assert list(supervise._mark_lost(tmp_path)) == []
    assert len(list(supervise._mark_lost(tmp_path))) == 1


def test_a_run_beside_another_one_that_still_tells_of_it_is_not_dead(tmp_path: Path) -> None:
    beside = Ledger(tmp_path, "beside")
    beside.write(START, details={"is_supervised": True, supervise.IS_BESIDE: True})
    assert list(supervise._mark_lost(tmp_path)) == []
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    gone = Ledger(tmp_path, "gone")
    gone.write(START, details={"is_supervised": True, supervise.IS_BESIDE: True}, process=dead.pid)
    assert len(list(supervise._mark_lost(tmp_path))) == 1


def test_a_cause_begins_with_what_it_is_and_not_with_what_dbt_says_before_it() -> None:
    """Of it the incident's name and the message's title are made."""
    ended = Ended(2, "", ("Encountered an error:\nDatabase Error\n  Runtime Error\n    SCOREHOUSE_LOCK_WAIT: expected",), 1.0)
    (failure,) = supervise._red(Triage(), ended, [])
    assert failure.message == "SCOREHOUSE_LOCK_WAIT: expected"
    gone = "Compilation Error in operation shop-on-run-start-0 (./dbt_project.yml)\n  IO Error: No files found that match /w/*"
    (failure,) = supervise._red(Triage.read(REPOSITORY)[0], replace(ended, errors=(gone,)), [])
    assert (failure.kind.name, failure.message) == ("no_access", "IO Error: No files found that match /w/*")
    (failure,) = supervise._red(Triage(), replace(ended, errors=("Encountered an error:",)), [])
    assert failure.message == "Encountered an error:"
