"""What is changed in dbt, which has no hooks for it. A dbt without these names is refused: it would run unconfined."""

from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from scorehouse_confinement import yaml_size


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


def of_project(module: ModuleType) -> None:
    """Confine the process before the first project file is read."""
    load = module.load_raw_project

    @wraps(load)
    def load_raw_project(project_root: str, *arguments: Any, **more: Any) -> Any:
        from scorehouse_confinement import confinement

        confinement.enter(Path(project_root))
        return load(project_root, *arguments, **more)

    module.load_raw_project = load_raw_project


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
