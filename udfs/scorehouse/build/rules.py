"""What the project must keep so that what it builds is served: checked at the start of every build, all breaches at once."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import PurePath

from scorehouse.build.manifest import Manifest, Node
from scorehouse.build.reason_templates import declared_templates
from scorehouse.build.requirements import ENDPOINT, GRADED, GUIDE_SEED, LEVELS_SEED, NAMED_LEVELS, REQUIREMENTS_SEED
from scorehouse.build.versions import ALWAYS, POLICY_SEED, ROUTES_SEED
from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import Spec, meant
from scorehouse.sandbox.duckdb_functions import is_of_duckdb
from scorehouse.sandbox.queries import DATABASE, Reach, check_expression
from scorehouse.serving.file import OWN_TABLES
from scorehouse.sources.forgotten import FILE
from scorehouse.store import state

SERVING = "models/serving/"
KINDS = ("score", "rank", "segment", "choose")
"""What an endpoint may be: a score each, a ranking each, a segment each, a choice among arms."""


MATERIALIZATIONS = frozenset("view table incremental ephemeral partitioned fitted".split())
"""How a model can be built: so that its fingerprint says all that is in it."""

LANGUAGES = frozenset({"sql", "csv"})
"""Files that a model or seed may be."""

STRATEGIES = frozenset({"append", "delete+insert", "merge"})
"""Strategies of incremental models whose whole result is the model's query."""

CONSTRAINTS = frozenset({"not_null", "unique", "primary_key", "check"})
"""Constraints that one table can keep by itself."""

SETTINGS = frozenset(
    "materialized alias schema group tags meta docs enabled access contract packages description pre-hook post-hook full_refresh"
    " event_time column_types delimiter quote_columns".split()
)
"""Settings of a node that are kept, or that change nothing in what is built."""

INCREMENTAL_SETTINGS = frozenset("incremental_strategy incremental_predicates unique_key on_schema_change".split())
"""Settings that say how to add to a table; one that is always computed whole needs none of them."""

SCHEMAS_OF_OURS = state.SCHEMAS | frozenset({DATABASE, *"catalog information_schema pg_catalog temp system".split()})
"""Schemas that no node's result stands in: ours, DuckDB's, and what DuckDB takes for the database itself, a release's too."""

MONITORED_PARTS = ("model", "snapshots", "examples")
"""What `meta.monitoring` names models for."""

THRESHOLDS_SEED, ALL = "monitoring_thresholds", "default"

LIST_PARTS = ("examples", "list", "item", "gain")
"""What `meta.monitoring.lists` says of lists that are ordered."""

MEASURED_BY = ("label", "key", "split")
"""What a fitted model says of the rows that its test consists of, and of what came of them."""

META = {
    "model": frozenset(
        "endpoint monitoring product partition_by grain known_before horizon_days counts_decisions rejections_of retrain".split()
    ),
    "source": frozenset(
        "path partition_by folder_variable names_variable personal_names is_needed undeclared retain_days group".split()
    ),
    "function": frozenset({"serving", "returns_table"}),
    "column": frozenset("required kind personal person unit".split()),
    "endpoint": frozenset("type key decision contract_version audiences".split()),
    "monitoring": frozenset({*MONITORED_PARTS, *"baseline lists period label_days label key".split()}),
}
"""What `meta` can say that means something here, by whose it is; a fitted model's declaration has names of its own (`Spec`)."""

AUDIENCE = re.compile(r"[a-z][a-z0-9_-]{0,30}")
"""What an audience, and its group of the operating system, may be called."""

INSTEAD = {
    "py": "write a select, a fitted model or a function node",
    "external": "write materialized: table; readers get files from the release",
    "materialized_view": "write materialized: table, which is computed when what it reads has changed",
    "snapshot": "declare the changes as a source, or read the releases: no build could make again what a snapshot keeps",
    "microbatch": "write materialized: partitioned with meta.partition_by, which computes only what is new",
    "foreign_key": "write a relationships test",
    "indexes": "remove it: the serving file has an index of meta.endpoint.key",
    "partitioned_by": "write materialized: partitioned with meta.partition_by",
    "partition_by": "write materialized: partitioned with meta.partition_by",
    "sorted_by": "remove it: the serving file is sorted by meta.endpoint.key",
    "database": "remove it: a branch has one database",
    "grants": "declare meta.endpoint.audiences, whose files only their group reads",
    "persist_docs": "remove it: descriptions reach the serving file without it",
}
"""What to do instead, where that is known."""


def expect_kept(manifest: Manifest) -> None:
    """Raise ScorehouseError with one sentence for each breach."""
    rules = (_spelling, _how, _names, _endpoints, _fitted, _monitored, _seeds, _thresholds, _requirements, _templates, _people)
    _raise(sentence for rule in rules for sentence in rule(manifest))


def expect_buildable(manifest: Manifest) -> None:
    """The same of how nodes are built alone, which dbt must not even begin with: it makes their schemas first."""
    _raise(_how(manifest))


def _raise(breaches: Iterable[str]) -> None:
    sentences = "\n".join(breaches)
    if sentences:
        raise ScorehouseError(sentences)


def unread(manifest: Manifest) -> list[str]:
    """Endpoints that no exposure names as read by somebody."""
    read = {parent_id for exposure in manifest.exposures() for parent_id in exposure.parent_ids}
    return [node.name for node in manifest.served() if node.id not in read]


def _how(manifest: Manifest) -> Iterator[str]:
    """How nodes are built."""
    yield from _built(manifest)
    yield from _functions(manifest)
    yield from _views(manifest)


def _views(manifest: Manifest) -> Iterator[str]:
    """A reader of the catalog computes its views, and has no Python function."""
    for node in manifest.built():
        python = sorted(called.name for called in manifest.called(node) if called.signature.language == "python")
        if node.materialized == "view" and python:
            yield (
                f"{node.path}: expected a table, since it calls the Python function {python[0]}, which readers do not have, "
                f"found a view; write materialized: table."
            )


def _functions(manifest: Manifest) -> Iterator[str]:
    """What is declared of a function is what its macro can be."""
    for node in manifest.functions():
        for name in sorted({name for name in (node.name, node.identifier) if is_of_duckdb(name)}):
            yield f"{node.path}: expected a name of its own, found {name}, which is DuckDB's; rename the function."
        if node.signature.kind != "scalar":
            yield (
                f"{node.path}: type: expected scalar, found {node.signature.kind}; write an expression, or a whole select "
                f"with meta.returns_table: true."
            )
        for name in node.signature.defaults:
            yield (
                f"{node.path}: arguments: expected no default_value, found one of {name}; remove it and give {name} in every "
                f"call, or write a second function."
            )


def _built(manifest: Manifest) -> Iterator[str]:
    """How each node is built is one of the ways that are known to be right."""
    for node in manifest.built():
        is_incremental = node.materialized == "incremental"
        asked = [
            ("language", {PurePath(node.path).suffix[1:]}, LANGUAGES),
            ("materialized", {node.materialized}, MATERIALIZATIONS if node.kind == "model" else {"seed"}),
            ("incremental_strategy", {node.configured.get("incremental_strategy", "append")}, STRATEGIES),
            ("constraints", node.constraints, CONSTRAINTS),
            ("config", node.configured.keys(), SETTINGS | INCREMENTAL_SETTINGS if is_incremental else SETTINGS),
        ]
        what, found, known = next(((w, sorted(f - k), k) for w, f, k in asked if f - k), (None, [], frozenset()))
        for name in found:
            expected = "a setting that the store keeps" if what == "config" else ", ".join(sorted(known))
            yield f"{node.path}: {what}: expected {expected}, found {name}; {INSTEAD.get(name, 'remove it, or choose another')}."


def _spelling(manifest: Manifest) -> Iterator[str]:
    """What `meta` says under another name than ours would be as if it were not there.

    Beside ours, `meta` of a node or column has names of other people; what is within one of ours has none.
    """
    for node in [*manifest.tables(), *manifest.sources()]:
        own = META.get(node.kind, frozenset()) | (
            {field.name for field in fields(Spec)} if node.materialized == "fitted" else set()
        )
        asked = [("meta", node.meta, own, False)]
        asked += [(f"meta.{part}", node.meta.get(part), META[part], True) for part in ("endpoint", "monitoring")]
        asked += [(f"column {column.name}: meta", column.said, META["column"], False) for column in node.columns]
        for what, said, known, is_ours in asked:
            for name in sorted({*map(str, said)} - known) if isinstance(said, (Mapping, tuple)) else ():
                near = meant(name, known) or (f"one of {', '.join(sorted(known))}" if is_ours else None)
                if near:
                    yield f"{node.path}: {node.name}: {what}: expected {near}, found '{name}'; correct its name."


def _names(manifest: Manifest) -> Iterator[str]:
    """DuckDB takes names that differ only by case for one; a served table has its model's name alone, without a version."""
    stored = [*manifest.tables(), *manifest.sources()]
    relations = [(f"{node.schema}.{node.identifier}", node) for node in stored]
    for node in stored:
        if f"{node.schema}.{node.identifier}".lower() == FILE:
            yield f"{node.path}: expected a name of its own, found {FILE}, which the store has for a file; set another alias."
        if node.schema.lower() in SCHEMAS_OF_OURS:
            yield f"{node.path}: expected a schema of the project, found {node.schema}, which is ours or DuckDB's; choose one."
    for node in manifest.served():
        if node.name.lower() in OWN_TABLES:
            yield f"{node.path}: expected a name of its own, found {node.name}, which every serving file has; rename the model."
    for named in (relations, [(node.name, node) for node in manifest.served()]):
        seen: dict[str, Node] = {}
        for name, node in named:
            other = seen.setdefault(name.lower(), node)
            if other is not node:
                yield (
                    f"{node.path}: expected a name of its own, found {name}, which is {other.path}'s to DuckDB, "
                    f"whatever the case; rename one, or set its alias."
                )


def _endpoints(manifest: Manifest) -> Iterator[str]:
    for node in manifest.tables():
        if node.kind == "model" and node.path.startswith(SERVING) and not node.meta.get("endpoint"):
            yield (
                f"{node.path}: expected meta: {{endpoint: {{type: score, key: [<columns>]}}}} in its YAML, found none, so that "
                f"it would be missing from the serving file; add it, or move the model to another folder."
            )
    for node in manifest.served():
        yield from _endpoint(node)


def _endpoint(node: Node) -> Iterator[str]:
    endpoint = node.meta["endpoint"]
    if node.materialized in ("view", "ephemeral"):
        yield f"{node.path}: expected a table, since it is served, found {node.materialized}; write materialized: table."
    if not isinstance(endpoint, dict):
        yield f"{node.path}: meta.endpoint: expected {{type: ..., key: [<columns>]}}, found '{endpoint}'; write it so."
        return
    if endpoint.get("type", KINDS[0]) not in KINDS:
        yield f"{node.path}: meta.endpoint.type: expected one of {', '.join(KINDS)}, found '{endpoint['type']}'; choose one."
    version = endpoint.get("contract_version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        yield f"{node.path}: meta.endpoint.contract_version: expected a whole number from 1, found '{version}'; correct it."
    yield from _audiences(node, endpoint.get("audiences") or {})
    key = endpoint.get("key")
    if not isinstance(key, list) or not key or not all(isinstance(column, str) for column in key):
        yield f"{node.path}: meta.endpoint.key: expected the columns that identify a row, found '{key}'; write key: [<column>]."


def _audiences(node: Node, audiences: object) -> Iterator[str]:
    """Who may read a served table: a word, which names a file and a group, and what of the table they get."""
    expected = "{<audience>: {columns: [<column>], rows: <condition>}}, both as needed, an audience named by one word"
    if not isinstance(audiences, dict):
        yield f"{node.path}: meta.endpoint.audiences: expected {expected}, found '{audiences}'; write it so."
        return
    for name, said in audiences.items():
        said = {} if said is None else said
        is_known = isinstance(said, dict) and not said.keys() - {"columns", "rows"}
        columns, rows = (said.get(part) if is_known else None for part in ("columns", "rows"))
        is_listed = columns is None or (isinstance(columns, list) and columns and all(isinstance(c, str) for c in columns))
        is_listed = is_listed and len({*map(str.lower, columns or ())}) == len(columns or ())
        if not (AUDIENCE.fullmatch(str(name)) and is_known and is_listed and isinstance(rows, (str, type(None)))):
            yield f"{node.path}: meta.endpoint.audiences: expected {expected}, found '{name}: {said}'; write it so."
        elif rows is not None:
            try:
                check_expression(rows, f"{node.path}: meta.endpoint.audiences: {name}", Reach())
            except ScorehouseError as error:
                yield str(error)


def _fitted(manifest: Manifest) -> Iterator[str]:
    for node in manifest.fitted():
        if node.meta.get("retrain") not in (None, ALWAYS):
            yield f"{node.path}: meta.retrain: expected {ALWAYS}, found '{node.meta['retrain']}'; write it so, or leave it out."
        yield from _labels(manifest, node)


def _labels(manifest: Manifest, fitted: Node) -> Iterator[str]:
    """Examples that see no further than their time and a horizon see as far as the labels that are learned look."""
    split = fitted.meta.get("split")
    ahead = split.get("horizon_days") if isinstance(split, Mapping) else None
    read = [parent for parent in manifest.parents(fitted) if parent.kind == "model"]
    if not isinstance(ahead, int | float) or not ahead or len(read) != 1 or "known_before" not in read[0].meta:
        return
    found = read[0].meta.get("horizon_days") or 0
    if str(found) != f"{ahead:g}":
        yield (
            f"{read[0].path}: meta.horizon_days: expected {ahead:g}, as far ahead as labels of {fitted.name} look "
            f"(split.horizon_days), found {found}: nothing later would be seen; write it so."
        )


def _monitored(manifest: Manifest) -> Iterator[str]:
    """What says how it is monitored names models of the project, and what it must beat."""
    models = {node.name: node for node in manifest.known()}
    for node in models.values():
        said = node.meta.get("monitoring")
        if said is None:
            continue
        given = [part for part in MONITORED_PARTS if isinstance(said, dict) and part in said]
        if not isinstance(said, dict) or "baseline" not in said or given not in (["model"], list(MONITORED_PARTS)):
            yield (
                f"{node.path}: meta.monitoring: expected {', '.join(MONITORED_PARTS)} and baseline (model and baseline alone "
                f"where training measures lists by itself), found '{said}'; say them, or leave monitoring out."
            )
            continue
        for part in given:
            if said[part] not in models:
                yield f"{node.path}: meta.monitoring.{part}: expected a model, found '{said[part]}'; correct it."
        fitted = models.get(said["model"])
        if fitted and fitted.materialized != "fitted":
            yield f"{node.path}: meta.monitoring.model: expected a fitted model, found {fitted.name}; correct it."
        yield from _lists(node, said, models)
        yield from _baseline(node, said, models)


def _lists(node: Node, said: Mapping[str, object], models: Mapping[str, Node]) -> Iterator[str]:
    """Lists that are ordered say what they consist of, and what was gained."""
    lists = said.get("lists")
    is_said = isinstance(lists, dict) and lists.keys() == set(LIST_PARTS) and lists["examples"] in models
    if lists is not None and not is_said:
        yield (
            f"{node.path}: meta.monitoring.lists: expected {', '.join(LIST_PARTS)}, the first of them a model, found '{lists}'; "
            "write them, or leave lists out."
        )


def _baseline(node: Node, said: Mapping[str, object], models: Mapping[str, Node]) -> Iterator[str]:
    """A baseline is an implementation that is measured on the same examples, or an expression that nobody is served."""
    baseline, where = said["baseline"], f"{node.path}: meta.monitoring.baseline"
    if isinstance(baseline, dict) and {"name", "score"} <= baseline.keys():
        return
    other = models.get(baseline) if isinstance(baseline, str) else None
    beside = other.meta.get("monitoring") if other else None
    if not isinstance(beside, dict) or other.name == node.name:
        yield (
            f"{where}: expected the name of another implementation that declares meta.monitoring, or {{name: <in words>, "
            f"score: <expression over a snapshot>}}, found '{baseline}'; write it so."
        )
    elif isinstance(beside.get("baseline"), str):
        yield f"{where}: expected an implementation that nothing serves in place of, found {baseline}; name {beside['baseline']}."
    else:
        mine, its = (_measured_by(models.get(name)) for name in (said["model"], beside.get("model")))
        unlike = [name for name in MEASURED_BY if mine[name] != its[name]]
        unlike += ["examples"] if beside.get("examples") != said.get("examples") else []
        if unlike:
            yield (
                f"{where}: expected an implementation that is measured on the same rows, found {baseline} with another "
                f"{' and '.join(unlike)}; write the same."
            )


def _measured_by(fitted: Node | None) -> dict[str, object]:
    """What a fitted model says of its test; how much it is trained on is no matter."""
    said = {name: fitted.meta.get(name) if fitted else None for name in MEASURED_BY}
    split = said["split"]
    return {
        **said,
        "split": {k: v for k, v in split.items() if k not in ("train_periods", "train_rows")}
        if isinstance(split, dict)
        else split,
    }


def _seeds(manifest: Manifest) -> Iterator[str]:
    """Names in the seeds are names of the project, also of what the variable `products` leaves out."""
    models = {node.name for node in manifest.known() if node.materialized == "fitted"}
    endpoints = _known_endpoints(manifest)
    for seed, column, known, what in (
        (POLICY_SEED, "model", models | {"default"}, "a fitted model, or default"),
        (ROUTES_SEED, "endpoint", endpoints, "a served table"),
        (REQUIREMENTS_SEED, ENDPOINT, endpoints, "a served table"),
    ):
        yield from _names_in(manifest.seed(seed), manifest.seed_rows(seed), column, known, what)


def _thresholds(manifest: Manifest) -> Iterator[str]:
    """What monitoring is judged by: each measure is explained once, for all that is watched, and can be beyond its limits."""
    seed, rows = manifest.seed(THRESHOLDS_SEED), manifest.seed_rows(THRESHOLDS_SEED)
    watched = {node.name for node in manifest.known() if node.meta.get("monitoring")}
    known = {ALL, *watched, *(name.split("__")[0] for name in watched)}
    yield from _names_in(seed, rows, "implementation", known, "what is monitored, its endpoint, or default")
    for measure in dict.fromkeys(row["measure"] for row in rows):
        for_all = [row for row in rows if (row["measure"], row["implementation"], row["subject"]) == (measure, ALL, ALL)]
        if len(for_all) != 1 or not (for_all[0]["meaning"] and for_all[0]["advice"]):
            yield (
                f"{seed.path}: measure {measure or '(empty)'}: expected one row of {ALL} and {ALL} with meaning and "
                f"advice, found {len(for_all) if len(for_all) != 1 else 'one without'}; write them."
            )
    for line, row in enumerate(rows, start=2):
        beyond, of = row["beyond_periods"], row["of_periods"]
        if beyond is not None and of is not None and float(str(beyond)) > float(str(of)):
            yield f"{seed.path}, line {line}: expected beyond_periods up to of_periods, {of}, found {beyond}; correct it."


def _requirements(manifest: Manifest) -> Iterator[str]:
    """Where a project says what its served tables are made for, it says so of each, in levels that there are."""
    seed = manifest.seed(REQUIREMENTS_SEED)
    for name in sorted(_known_endpoints(manifest) - manifest.requirements.keys()) if seed else ():
        yield (
            f"{seed.path}: column {ENDPOINT}: expected a row for each served table, found none for {name}; add one, or remove "
            f"meta.endpoint from the YAML of {name}."
        )
    levels, guide = manifest.seed_rows(LEVELS_SEED), manifest.seed(GUIDE_SEED)
    rows, rules = manifest.seed_rows(REQUIREMENTS_SEED), manifest.seed_rows(GUIDE_SEED)
    for name in GRADED if levels else ():
        known = {str(row["level"]) for row in levels if row["requirement"] == name}
        if name in NAMED_LEVELS:
            yield from _names_in(seed, rows, name, known, f"a level of {LEVELS_SEED}")
        yield from _names_in(guide, rules, name, known | {None}, f"a level of {LEVELS_SEED}, or nothing")


def _templates(manifest: Manifest) -> Iterator[str]:
    """Words for reasons can be written of every row: their columns stand beside the feature."""
    try:
        declared_templates(manifest)
    except ScorehouseError as error:
        yield str(error)


def _known_endpoints(manifest: Manifest) -> set[str]:
    return {node.name for node in manifest.known() if node.meta.get("endpoint")}


def _names_in(
    seed: Node | None, rows: Iterable[Mapping[str, object]], column: str, known: Collection[str | None], what: str
) -> Iterator[str]:
    """A sentence for every other name that a column of a seed's rows holds; without a seed there are no rows."""
    for name in dict.fromkeys(row.get(column) for row in rows if row.get(column) not in known):
        listed = ", ".join(sorted(filter(None, known)))
        found = "an empty cell" if name is None else f"'{name}'"
        yield f"{seed.path}: column {column}: expected {what} ({listed}), found {found}; correct or remove the row."


def _people(manifest: Manifest) -> Iterator[str]:
    """People's data are declared where they are masked, at sources."""
    for node in manifest.built():
        for column in node.columns:
            if column.is_personal or column.whose is not None:
                yield (
                    f"{node.path}: column {column.name}: expected meta.personal and meta.person at a source's column, where they "
                    f"count, found one here; declare it there, and land people's data as a source."
                )
    for source in manifest.sources():
        if source.meta.get("undeclared") not in (None, "personal"):
            found = source.meta["undeclared"]
            yield f"{source.path}: meta.undeclared: expected personal, or nothing, found '{found}'; correct it."
