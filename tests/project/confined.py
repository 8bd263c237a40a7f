"""One dbt command in a process of its own: what confines it cannot be taken back.

The process is forked from a server that has imported dbt and nothing of the project, so its start-up is paid once.
"""

import atexit
import io
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from functools import cache
from multiprocessing.connection import Connection

import pytest

from project.harness import OWN_VARIABLES, REPOSITORY, Outcome, Project

COMPILED = REPOSITORY / "target" / "numba"
"""Compiled functions of all the tests' projects."""

PRELOADED = [
    "project.confined",
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "duckdb",
    "pyarrow",
    "sqlglot",
    "numba",
    "sklearn.pipeline",
]


@cache
def _server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        multiprocessing.forkserver.ensure_running()
    return context


class Confined(Project):
    """A project whose commands run confined, each in a process that was forked from one that has imported dbt."""

    def dbt(
        self, *arguments: str, branch: str = "main", prepare: Callable[[], None] | None = None, **environment: str
    ) -> Outcome:
        """Run dbt to its end; `prepare`, a function of a module, is called in its process before."""
        own = {"SCOREHOUSE_BRANCH": branch, "DBT_PROJECT_DIR": str(self.root), "NUMBA_CACHE_DIR": str(COMPILED), **environment}
        inherited = {name: value for name, value in os.environ.items() if not OWN_VARIABLES.match(name)}
        return Outcome(*run_dbt([*arguments, *self.folders()], {**inherited, **own}, prepare))


def run_dbt(arguments: list[str], environment: Mapping[str, str], prepare: Callable[[], None] | None = None) -> tuple[int, str]:
    """Exit code and output of a dbt command.

    Args:
        environment: of the process, whole.
        prepare: a function of a module, called before dbt starts.
    """
    context = _server()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(sender, arguments, dict(environment), os.getcwd(), prepare))
    process.start()
    sender.close()
    try:
        code, output = receiver.recv()
    except EOFError:  # it was ended
        code, output = 1, ""
    process.join()
    return code, output


def _run(
    sender: Connection, arguments: list[str], environment: dict[str, str], folder: str, prepare: Callable[[], None] | None
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if prepare:
        prepare()
    sender.send(invoked(arguments))
    sender.close()
    atexit._run_exitfuncs()  # multiprocessing ends a process without them


def invoked(arguments: list[str]) -> tuple[int, str]:
    """Exit code and output of a dbt command in this process."""
    from dbt.cli.main import dbtRunner

    lines: list[str] = []
    runner = dbtRunner(callbacks=[lambda event: lines.append(event.info.msg) if event.info.level != "debug" else None])
    with redirect_stdout(io.StringIO()) as printed:
        result = runner.invoke(arguments)
    return 0 if result.success else 1, "\n".join([*lines, printed.getvalue(), str(result.exception or "")])
