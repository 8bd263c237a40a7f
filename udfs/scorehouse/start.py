"""What happens when dbt starts: the project that it has parsed is completed before any command sees it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any

from click import Context, get_current_context
from click.core import ParameterSource
from dbt.contracts.files import ParseFileType
from dbt.exceptions import DbtRuntimeError
from dbt.flags import get_flags
from dbt.parser import read_files
from dbt.parser.manifest import ManifestLoader
from dbt.parser.partial import PartialParsing

from scorehouse import follow_up
from scorehouse.build import variables
from scorehouse.build.commands import BUILDS, expect_known
from scorehouse.build.manifest import Manifest
from scorehouse.build.modules import declared
from scorehouse.build.products import left_out
from scorehouse.build.rules import MONITORED_PARTS, expect_buildable
from scorehouse.errors import ScorehouseError

_GIVEN = re.compile(r"\bref\(\s*['\"](\w+)['\"]")
_HISTORY = re.compile(r"\bhistory\(\s*['\"](\w+)['\"]")


def begin() -> None:
    """Let dbt's parsed manifests pass `completed`, whichever command asked for one; once a process.

    dbt has no hook between parsing and its commands, so the one function that gives them the manifest is wrapped.
    """
    parse = ManifestLoader.get_full_manifest.__func__
    if hasattr(parse, "__wrapped__"):
        return

    @wraps(parse)
    def get_full_manifest(cls: type, config: Any, **more: Any) -> Any:
        manifest = parse(cls, config, **more)
        if config.project_name in {macro.package_name for macro in _named(manifest, "scorehouse")}:
            try:
                expect_known(get_flags().WHICH, set(_given()), getattr(get_flags(), "THREADS", None))
                variables.expect_known(config.cli_vars, config.vars.to_dict(), partial(_templates, config))
                _complete(manifest, variables.in_force(config))
                if get_flags().WHICH in BUILDS:
                    expect_buildable(Manifest(manifest, variables.in_force(config), Path(config.project_root)))
            except ScorehouseError as error:
                raise DbtRuntimeError(str(error)) from None
        return manifest

    ManifestLoader.get_full_manifest = classmethod(get_full_manifest)
    ManifestLoader.build_manifest_state_check = _ignoring_unread(ManifestLoader.build_manifest_state_check)
    PartialParsing.get_diff_for = _as_written(PartialParsing.get_diff_for)
    follow_up.begin()
    read_files.get_source_files = _without_modules(read_files.get_source_files)


def _without_modules(read: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """The files that dbt reads, without the modules among the functions (see `scorehouse.build.modules`)."""

    @wraps(read)
    def get_source_files(project: Any, paths: Any, extension: str, kind: Any, *more: Any) -> list[Any]:
        try:
            files = read(project, paths, extension, kind, *more)
        except PermissionError as error:  # a branch reads nothing outside its project
            path = Path(error.filename)
            place = path.relative_to(project.project_root)
            found = f"a link to {path.resolve()}" if path.is_symlink() else "another"
            raise DbtRuntimeError(f"{place}: expected a file that this build may read, found {found}; copy it there.") from None
        if kind != ParseFileType.Function or extension != ".py" or not _is_ours(project):
            return files
        folders = [Path(project.project_root, folder) for folder in project.all_source_paths]
        in_sql = {file.stem for folder in project.function_paths for file in Path(project.project_root, folder).rglob("*.sql")}
        functions = declared(folders, [Path(file.path.absolute_path) for file in files], in_sql)
        return [file for file in files if Path(file.path.absolute_path) in functions]

    return get_source_files


def _ignoring_unread(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What dbt compares to know whether its saved parse still holds, without the variables that no template reads."""

    @wraps(check)
    def build_manifest_state_check(loader: Any) -> Any:
        config = loader.root_project
        given = config.cli_vars
        read = variables.read_in(_templates(config)) if given and _is_ours(config) else None
        try:
            config.cli_vars = {name: value for name, value in given.items() if read is None or name in read}
            return check(loader)
        finally:
            config.cli_vars = given

    return build_manifest_state_check


def _as_written(compare: Callable[..., dict[str, list[Any]]]) -> Callable[..., dict[str, list[Any]]]:
    """What dbt finds changed in a YAML file, and what Python alone takes for equal: another order of keys, 1 and 1.0 and true."""

    @wraps(compare)
    def get_diff_for(parsing: Any, key: str, saved: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
        found = compare(parsing, key, saved, new)
        before = {element["name"]: json.dumps(element, default=str) for element in saved.get(key) or ()}
        known = set(found.get("changed_or_deleted_names", ()))
        for element in new.get(key) or ():
            name = element["name"]
            if name in before.keys() - known and json.dumps(element, default=str) != before[name]:
                found["changed"].append(element.copy())
                found["changed_or_deleted_names"].append(name)
        return found

    return get_diff_for


def _is_ours(config: Any) -> bool:
    return Path(config.project_root, "udfs", "scorehouse", "start.py").is_file()


def _templates(config: Any) -> Iterator[str]:
    """The texts that dbt renders: of the project, and of packages that it has installed, whatever bytes are in them."""
    root = Path(config.project_root)
    paths = {
        *(config.model_paths + config.macro_paths + config.seed_paths + config.test_paths + config.snapshot_paths),
        *(config.analysis_paths + config.function_paths + (config.docs_paths or [])),
        config.packages_install_path,
    }
    files = {file for path in paths for kind in ("sql", "yml", "yaml", "md") for file in (root / path).rglob(f"*.{kind}")}
    return (file.read_text(encoding="utf-8", errors="replace") for file in {*files, root / "dbt_project.yml"})


def _given() -> Iterator[str]:
    """Names of the options that the command line or the environment gives."""
    context: Context | None = get_current_context(silent=True)
    while context is not None:
        for name in context.params:
            if context.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
                yield name
        context = context.parent


def _named(manifest: Any, name: str) -> list[Any]:
    return [macro for macro in manifest.macros.values() if macro.name == name]


def _complete(manifest: Any, values: Mapping[str, Any]) -> None:
    """Take out what the variable `products` leaves out, and add what queries read that no ref() names: history, the monitored."""
    unwanted = left_out(_parents(manifest), _endpoints(manifest), values.get("products"))
    unwanted |= set(_tests_over(manifest, unwanted))
    for shelf in (manifest.nodes, manifest.functions, manifest.exposures, manifest.unit_tests):
        for node_id in unwanted & shelf.keys():
            manifest.disabled.setdefault(node_id, []).append(shelf.pop(node_id))
    _depend_on_writers(manifest)
    _depend_on_monitored(manifest)
    manifest.build_flat_graph()


def _tests_over(manifest: Any, unwanted: set[str]) -> Iterator[str]:
    """Unit tests that are given rows of a node that is left out: dbt knows of no dependency."""
    names = {manifest.nodes[node_id].name for node_id in unwanted & manifest.nodes.keys()}
    for unit_test in manifest.unit_tests.values():
        if names & {name for one in unit_test.given for name in _GIVEN.findall(one.input)}:
            yield unit_test.unique_id


def _depend_on_writers(manifest: Any) -> None:
    """Whatever reads the branch's history comes after the nodes that write it: fitted models, and tables that are routed."""
    fitted = [node.unique_id for node in manifest.nodes.values() if node.config.materialized == "fitted"]
    routed = [node.unique_id for node in manifest.nodes.values() if _calls(node, manifest, "routed")]
    writers = {"versions": fitted, "decisions": fitted, "gates": routed}
    for node in manifest.nodes.values():
        if _calls(node, manifest, "history"):
            read = _HISTORY.findall(node.raw_code) or list(writers)
            found = dict.fromkeys(writer for name in read for writer in writers.get(name, []))
            node.depends_on.nodes.extend(w for w in found if w not in {*node.depends_on.nodes, node.unique_id})


def _depend_on_monitored(manifest: Any) -> None:
    """Whatever monitors comes after what the monitored models name in `meta.monitoring`, and after what counts decisions.

    No ref() names them: they are of products, and monitoring is of all.
    """
    models = {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}
    said = [node.config.meta.get("monitoring") for node in models.values()]
    declared = [one for one in said if isinstance(one, dict)]  # the rules refuse others, later
    lists = [one["lists"] for one in declared if isinstance(one.get("lists"), dict)]
    named = [one.get(part) for one in declared for part in MONITORED_PARTS] + [one.get("examples") for one in lists]
    found = [models[name].unique_id for name in dict.fromkeys(map(str, named)) if name in models]
    counting = [node.unique_id for node in models.values() if node.config.meta.get("counts_decisions")]
    for node in manifest.nodes.values():
        for macro, parents in (("monitored", found), ("counted_decisions", counting)):
            if _calls(node, manifest, macro):
                node.depends_on.nodes.extend(parent for parent in parents if parent not in node.depends_on.nodes)


def _calls(node: Any, manifest: Any, macro: str) -> bool:
    """Whether a node's own text calls a macro."""
    ids = {found.unique_id for found in _named(manifest, macro)}
    return bool(ids & set(node.depends_on.macros))


def _parents(manifest: Any) -> dict[str, list[str]]:
    shelves: Iterable[Mapping[str, Any]] = (manifest.nodes, manifest.functions, manifest.exposures, manifest.unit_tests)
    return {node_id: list(node.depends_on_nodes) for shelf in shelves for node_id, node in shelf.items()}


def _endpoints(manifest: Any) -> dict[str, str]:
    """The product of each served model: `meta.product`, else the model's own name."""
    served = (n for n in manifest.nodes.values() if n.resource_type == "model" and n.config.meta.get("endpoint"))
    return {node.unique_id: node.config.meta.get("product") or node.name for node in served}
