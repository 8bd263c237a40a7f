"""What is looked through before dbt parses is read whatever its bytes are: what of it is wrong, dbt says."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from scorehouse.build.modules import declared
from scorehouse.build.variables import read_in
from scorehouse.start import _templates

LATIN = "functions: []  # café\n".encode("latin-1")


def test_a_text_that_is_no_utf_8_hides_no_variable_and_stops_nothing(tmp_path: Path) -> None:
    kinds = ("model", "macro", "seed", "test", "snapshot", "analysis", "function")
    folders = {f"{kind}_paths": [kind] for kind in kinds}
    config = SimpleNamespace(project_root=tmp_path, docs_paths=None, packages_install_path="dbt_packages", **folders)
    for name in ("dbt_packages/one/README.md", "model/a.yml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(LATIN + b"{{ var('weight') }}")
    (tmp_path / "dbt_project.yml").write_bytes(LATIN)
    assert read_in(_templates(config)) == {"weight"}
    assert declared([tmp_path], [], []) == set()


def test_every_command_starts_without_the_libraries_that_only_training_and_scoring_need() -> None:
    code = "import sys, scorehouse.plugin; print(*({'numba', 'pandas', 'scipy', 'sklearn'} & sys.modules.keys()))"
    started = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "udfs"}, capture_output=True, text=True, check=True)
    assert started.stdout.split() == []
