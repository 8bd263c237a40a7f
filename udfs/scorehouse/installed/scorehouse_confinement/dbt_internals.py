"""What is changed in dbt, which has no hooks for it. A dbt without these names is refused: it would run unconfined."""

import shutil
import sys
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from scorehouse_confinement import interrupts, yaml_size


class Changing:
    """A module's loader that changes the module as soon as it is loaded."""

    def __init__(self, loader: Any, change: Any) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, specification: Any) -> Any:
        """As the loader does."""
        return self._loader.create_module(specification)

    def exec_module(self, module: ModuleType) -> None:
        """As the loader does, and then the change; raises ImportError where there is nothing to change."""
        self._loader.exec_module(module)
        try:
            self._change(module)
        except AttributeError as error:
            raise ImportError(
                f"Scorehouse: expected the dbt that it was installed with, found another ({error}); run make."
            ) from None


def of_runnable(module: ModuleType) -> None:
    """Let an interrupt be raised while nodes run."""
    execute = module.GraphRunnableTask.execute_nodes

    @wraps(execute)
    def execute_nodes(task: Any) -> Any:
        with interrupts.Running():
            return execute(task)

    module.GraphRunnableTask.execute_nodes = execute_nodes


def of_requires(module: ModuleType) -> None:
    """Say of a command that somebody stops that it was, and not where in dbt that happened; of a refused one nothing else."""
    fire = module.fire_event

    @wraps(fire)
    def fire_event(event: Any, *arguments: Any, **more: Any) -> None:
        is_refused_before_flags = not hasattr(module.get_flags(), "upload_to_artifacts_ingest_api")
        if is_refused_before_flags and isinstance(event, module.ArtifactUploadError):
            return
        if isinstance(sys.exc_info()[1], KeyboardInterrupt):
            if isinstance(event, module.MainStackTrace):
                return
            if isinstance(event, module.MainEncounteredError):
                event = module.MainEncounteredError(exc=interrupts.SENTENCE)
        fire(event, *arguments, **more)

    module.fire_event = fire_event


def of_project(module: ModuleType) -> None:
    """Confine the process before the first project file is read, and let it import the project's own package."""
    load = module.load_raw_project

    @wraps(load)
    def load_raw_project(project_root: str, *arguments: Any, **more: Any) -> Any:
        from scorehouse_confinement import confinement

        confinement.enter(Path(project_root))
        udfs = Path(project_root).resolve() / "udfs"
        if (udfs / "scorehouse").is_dir() and "scorehouse" not in sys.modules:
            sys.path.insert(0, str(udfs))
        return load(project_root, *arguments, **more)

    module.load_raw_project = load_raw_project


def of_debug(module: ModuleType) -> None:
    """Let `dbt debug` look for git: a confined process starts no program."""

    def test_git(task: Any) -> Any:
        found = shutil.which("git")
        said = f"git is {found}" if found else "Expected git on the path, found none; install it."
        status = module.RunStatus.Success if found else module.RunStatus.Error
        return module.SubtaskStatus(
            log_msg=module.green("OK found") if found else module.red("ERROR"),
            run_status=status,
            details="",
            summary_message=said,
        )

    module.DebugTask.test_git = test_git


def of_yaml(module: ModuleType) -> None:
    """Refuse a YAML text that is small and becomes huge, before it does."""
    load = module.load_yaml_text

    @wraps(load)
    def load_yaml_text(contents: Any, *arguments: Any, **more: Any) -> Any:
        sentence = yaml_size.too_large(contents)
        if sentence:
            from dbt_common.exceptions.base import DbtValidationError

            raise DbtValidationError(sentence)
        return load(contents, *arguments, **more)

    module.load_yaml_text = load_yaml_text
    module.safe_load = lambda contents: load_yaml_text(contents)
