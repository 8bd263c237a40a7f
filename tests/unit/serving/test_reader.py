"""Our own reader: hardened, and no stranger to who has the file open in the same process."""

from pathlib import Path

import duckdb
import pytest

from scorehouse.serving.reader import read


def test_a_serving_file_is_read_with_nothing_else_in_reach(tmp_path: Path) -> None:
    file, other = tmp_path / "serving.duckdb", tmp_path / "other.txt"
    other.write_text("of nobody's concern")
    with duckdb.connect(str(file)) as written:
        written.execute("create table scores as select 1 as id")
    with read(file) as serving:
        assert serving.execute("from scores").fetchall() == [(1,)]
        with pytest.raises(duckdb.PermissionException):
            serving.execute(f"from read_text('{other}')")
        with pytest.raises(duckdb.InvalidInputException):
            serving.execute("set enable_external_access = true")
    with duckdb.connect(str(file), read_only=True), read(file) as serving:
        assert serving.execute("from scores").fetchall() == [(1,)]
