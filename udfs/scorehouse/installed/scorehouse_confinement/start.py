"""Reached by every Python of this environment, before anything else: waits until dbt is imported, whoever imports it.

Every way to start dbt (its command, `dbtRunner`, an editor's server, a linter) reads the raw project file before it renders a
line of Jinja or imports an adapter or plugin: by `dbt.config.project.load_raw_project`, with the project's folder. There it is
confined.
Nothing heavy is imported here: other programs of the environment start as before.
"""

import sys

_WATCHED = {
    "dbt.task.runnable": "of_runnable",
    "dbt.cli.requires": "of_requires",
    "dbt.config.project": "of_project",
    "dbt.task.debug": "of_debug",
    "dbt.clients.yaml_helper": "of_yaml",
}
"""Modules of dbt, and what `dbt_internals` does to each as soon as it is imported."""


class _Watcher:
    """Finds the watched modules as Python would, and lets `dbt_internals` see them first."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):  # noqa: ANN001, ANN206, D102: the interface of sys.meta_path
        if name not in _WATCHED:
            return None
        from importlib.machinery import PathFinder

        from scorehouse_confinement import dbt_internals

        specification = PathFinder.find_spec(name, path, target)
        if specification is not None:
            change = getattr(dbt_internals, _WATCHED[name])
            specification.loader = dbt_internals.Changing(specification.loader, change)
        return specification


sys.meta_path.insert(0, _Watcher)

if sys.argv and sys.argv[0].replace("\\", "/").endswith("/dbt"):
    from scorehouse_confinement import interrupts

    interrupts.begin()
