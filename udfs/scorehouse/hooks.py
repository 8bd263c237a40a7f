"""Whether a run's own hooks are running: they come before and after all its nodes, never beside one."""

from functools import wraps
from typing import Any

from dbt.task.run import RunTask

_running = False


def are_running() -> bool:
    """Whether what is asked now is asked by a hook."""
    return _running


def _watched(run_hooks: Any) -> Any:
    @wraps(run_hooks)
    def safe_run_hooks(*arguments: Any, **more: Any) -> Any:
        global _running
        _running = True
        try:
            return run_hooks(*arguments, **more)
        finally:
            _running = False

    return safe_run_hooks


if not hasattr(RunTask.safe_run_hooks, "__wrapped__"):  # dbt tells a macro nothing of who calls it
    RunTask.safe_run_hooks = _watched(RunTask.safe_run_hooks)
