"""What the project must keep so that what it builds is served: checked at the start of every build, all breaches at once."""

from collections.abc import Iterator

from scorehouse.build.manifest import Manifest, Node
from scorehouse.build.versions import ALWAYS, POLICY_SEED
from scorehouse.errors import ScorehouseError
from scorehouse.sources.seeds import read_seed

ROUTES_SEED = "routes"
SERVING = "models/serving/"
KINDS = ("score", "rank", "segment", "choose")
"""What an endpoint may be: a score each, a ranking each, a segment each, a choice among arms."""


def expect_kept(manifest: Manifest) -> None:
    """Raise ScorehouseError with one sentence for each breach."""
    breaches = [*_endpoints(manifest), *_fitted(manifest), *_seeds(manifest)]
    if breaches:
        raise ScorehouseError("\n".join(breaches))


def unread(manifest: Manifest) -> list[str]:
    """Endpoints that no exposure names as read by somebody."""
    read = {parent_id for exposure in manifest.exposures() for parent_id in exposure.parent_ids}
    return [node.name for node in manifest.served() if node.id not in read]


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
    if not isinstance(endpoint, dict):
        yield f"{node.path}: meta.endpoint: expected {{type: ..., key: [<columns>]}}, found '{endpoint}'; write it so."
        return
    if endpoint.get("type", KINDS[0]) not in KINDS:
        yield f"{node.path}: meta.endpoint.type: expected one of {', '.join(KINDS)}, found '{endpoint['type']}'; choose one."
    key = endpoint.get("key")
    if not isinstance(key, list) or not key or not all(isinstance(column, str) for column in key):
        yield f"{node.path}: meta.endpoint.key: expected the columns that identify a row, found '{key}'; write key: [<column>]."


def _fitted(manifest: Manifest) -> Iterator[str]:
    for node in manifest.fitted():
        if node.meta.get("retrain") not in (None, ALWAYS):
            yield f"{node.path}: meta.retrain: expected {ALWAYS}, found '{node.meta['retrain']}'; write it so, or leave it out."


def _seeds(manifest: Manifest) -> Iterator[str]:
    """Names in the seeds are names of the project, also of what the variable `products` leaves out."""
    models = {node.name for node in manifest.known() if node.materialized == "fitted"}
    endpoints = {node.name for node in manifest.known() if node.meta.get("endpoint")}
    for seed, column, known, what in (
        (POLICY_SEED, "model", models | {"default"}, "a fitted model, or default"),
        (ROUTES_SEED, "endpoint", endpoints, "a served table"),
    ):
        node = manifest.seed(seed)
        rows = read_seed(manifest.folder / node.path, node.seed_types, node.seed_delimiter).to_pylist() if node else []
        for name in dict.fromkeys(row.get(column) for row in rows if row.get(column) not in known):
            listed = ", ".join(sorted(known))
            yield f"{node.path}: column {column}: expected {what} ({listed}), found '{name}'; correct or remove the row."
