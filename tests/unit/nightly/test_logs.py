"""Logs of nightly runs go by age and by size; the newest run's stay."""

import os
import time
from pathlib import Path

import pytest

from scorehouse.names.warehouse import NIGHTLY_LOGS
from scorehouse.nightly import logs
from scorehouse.nightly.child import Said
from scorehouse.nightly.triage import Triage

REPOSITORY = Path(__file__).parents[3]


def kept(project: Path) -> list[str]:
    return sorted(file.name for file in (project / NIGHTLY_LOGS).iterdir())


def test_old_logs_go_and_then_the_oldest_until_the_others_fit(tmp_path: Path) -> None:
    (tmp_path / NIGHTLY_LOGS).mkdir(parents=True)
    for day in range(1, 6):
        for end in ("log", "jsonl"):
            file = tmp_path / NIGHTLY_LOGS / f"2026-01-0{day}T03-00-00-x.{end}"
            file.write_bytes(bytes(100_000))
            os.utime(file, times=(time.time() - (6 - day) * 86400,) * 2)
    logs.rotate(tmp_path, days=4.5, megabytes=0.45)
    assert kept(tmp_path) == [f"2026-01-0{day}T03-00-00-x.{end}" for day in (4, 5) for end in ("jsonl", "log")]
    logs.rotate(tmp_path, days=0.001, megabytes=0.001)
    assert kept(tmp_path) == ["2026-01-05T03-00-00-x.jsonl", "2026-01-05T03-00-00-x.log"]


def test_a_clock_that_jumps_ahead_makes_no_log_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NIGHTLY_LOGS).mkdir(parents=True)
    for day in (1, 2):
        (tmp_path / NIGHTLY_LOGS / f"2026-01-0{day}T03-00-00-x.log").touch()
    ahead = time.time() + 1000 * 86400
    monkeypatch.setattr(logs.time, "time", lambda: ahead)
    assert logs.rotate(tmp_path, days=90, megabytes=500) == []


def test_a_log_is_a_text_to_read_and_the_same_as_lines_of_json(tmp_path: Path) -> None:
    log = logs.Log(tmp_path, "run")
    log.write(Said.read('{"info": {"msg": "Found 3 models", "level": "info", "name": "Found"}, "data": {}}'))
    log.write(Said.read("Segmentation fault\n"))
    assert [line[10:] for line in log.text.read_text().splitlines()] == ["Found 3 models", "ERROR: Segmentation fault"]
    assert '"event": "Found", "text": "Found 3 models"' in log.lines.read_text() and log.lost == 0


def test_a_log_without_a_place_costs_lines_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    log = logs.Log(tmp_path, "run")
    log.write(Said("something"))
    assert log.lost == 2


def test_lines_for_which_there_is_no_room_are_counted_and_said(tmp_path: Path) -> None:
    log = logs.Log(tmp_path, "run")
    assert log.wrong is None and log.incomplete is None
    log.lines.symlink_to("/dev/full")
    for text in ("one", "two"):
        log.write(Said(text))
    assert log.incomplete == f"{log.text}: 2 lines of the log could not be written (No space left on device)"
    assert Triage.read(REPOSITORY)[0].of(log.incomplete).name == "disk_full"
