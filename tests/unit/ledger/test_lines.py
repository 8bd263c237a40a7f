"""A ledger loses no line, whatever cut it, and keeps the order of runs, whatever the clock says."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.ledger import lines
from scorehouse.ledger.lines import Ledger


def test_a_run_is_a_file_that_appears_with_its_first_line(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path / "ledger", "b"), Ledger(tmp_path / "ledger", "a")
    assert lines.files(tmp_path / "ledger") == []
    first.write("start", details={"branch": "main"})
    second.write("start")
    assert [file.name for file in lines.files(tmp_path / "ledger")] == ["00000001-b.jsonl", "00000002-a.jsonl"]
    (line,) = lines.read(first.file)
    assert line.details == {"branch": "main"} and line.process == os.getpid()


@settings(max_examples=60)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=6), cut=st.integers(min_value=1))
def test_a_cut_line_is_kept_and_the_others_are_read(tmp_path_factory: pytest.TempPathFactory, texts: list[str], cut: int) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("cut"), "run")
    written = [ledger.write("said", message=text) for text in texts]
    whole = ledger.file.read_bytes()
    last = len(written[-1].text().encode())
    ledger.file.write_bytes(whole[: len(whole) - 1 - cut % (last - 1)])
    after = ledger.write("finish")
    found = list(lines.read(ledger.file))
    assert [line for line in found if line.event == "said"][: len(texts) - 1] == written[:-1]
    assert found[-1] == after and len(found) == len(texts) + 1


def test_threads_and_processes_write_whole_lines(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "run")
    ledger.write("start")
    other = Ledger(tmp_path, "", str(ledger.file))
    threads = [
        threading.Thread(target=lambda one=one: [one.write("said", message="x" * 3000) for _ in range(50)])
        for one in (ledger, other, ledger)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.event for line in lines.read(ledger.file)] == ["start", *["said"] * 150]


def test_a_line_for_which_there_is_no_room_waits_for_the_next(tmp_path: Path) -> None:
    blocked = tmp_path / "ledger"
    blocked.write_text("a file where the folder should be")
    ledger = Ledger(blocked, "run")
    ledger.write("start")
    assert ledger.is_behind
    blocked.unlink()
    ledger.write("finish")
    assert [line.event for line in lines.read(ledger.file)] == ["start", "finish"] and not ledger.is_behind


def test_sql_reads_what_python_reads(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "it's here", "run")
    ledger.write("built", node="model.a.b", seconds=0.5, row_count=3, details={"reason": "it's new"})
    ledger.file.write_text(ledger.file.read_text() + '{"happened_at": "20')
    ledger.write("finish", message="done")
    with duckdb.connect() as connection:
        columns = "run_number, event, node, seconds, row_count, details ->> '$.reason', message"
        query = f"select {columns} from ({lines.view_sql(ledger.file.parent)})"
        found = connection.execute(query).fetchall()
    assert found == [(1, "built", "model.a.b", 0.5, 3, "it's new", None), (1, "finish", None, None, None, None, "done")]


def test_forgetting_takes_every_sentence_and_keeps_what_happened(tmp_path: Path) -> None:
    before, now = Ledger(tmp_path, "before"), Ledger(tmp_path, "now")
    before.write("failed", node="model.a.b", message="found ada", details={"causes": [{"message": "ada"}], "failed": 1})
    now.write("start", message="ada")
    assert lines.blank(tmp_path, now.file) == 1 and lines.blank(tmp_path, now.file) == 0
    (line,) = lines.read(before.file)
    assert line.event == "failed" and line.node == "model.a.b" and line.details == {"failed": 1}
    assert b"ada" not in before.file.read_bytes() and b"ada" in now.file.read_bytes()


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from scorehouse.ledger.lines import Ledger, files, read

folder = Path(sys.argv[1], "ledger")
Ledger(folder, "before").write("start")
with open(Path(sys.argv[1], "filler"), "wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError:
        pass
ledger = Ledger(folder, "run")
for number in range(40):
    ledger.write("failed", message="No space left on device")
ledger.write("finish")
print(ledger.is_behind, len(list(read(files(folder)[-1]))))
"""


def test_a_run_that_finds_the_disk_full_has_room_for_what_it_has_to_say(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=400k none "$0" && exec "$1" -c "$2" "$0"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(tmp_path), sys.executable, ON_A_FULL_DISK]
    where = {**os.environ, "PYTHONPATH": str(Path(lines.__file__).parents[2])}
    ended = subprocess.run(command, env=where, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["False", "41"], ended.stderr
