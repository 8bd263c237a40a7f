"""Seeds: their identity is their values and types, not how they are spelt."""

import hashlib
from dataclasses import replace
from pathlib import Path

from scorehouse.build import engine
from scorehouse.build.builder import Builder, Outcome
from scorehouse.build.manifest import Node
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import FORMAT_VERSION, digest
from scorehouse.sources.personal import Personal
from scorehouse.sources.seeds import SEED_ROWS, identity, read_seed, seed_header


def seed(builder: Builder, node_id: str) -> Outcome:
    """Load or reuse a seed."""
    node, previous = builder.manifest.node(node_id), builder.records.nodes.get(node_id)
    path = builder.manifest.folder / node.path
    if not path.resolve().is_relative_to(builder.manifest.folder):
        raise ScorehouseError(
            f"{node.path}: expected a file of the project, found a link to {path.resolve()}; "
            f"copy the file, or declare it as a source."
        )
    _names_nobody(builder, node, path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    text_hash = digest(FORMAT_VERSION, content, node.seed_types, node.seed_delimiter, engine.of_seeds(), engine.of_tables())
    if previous and previous.text_hash == text_hash:
        query_hash = previous.query_hash
    else:
        with read_seed(path, node.seed_types, node.seed_delimiter) as reader:
            query_hash = identity(reader)
    record = builder.record(node, ["seed", builder.store.data_format, query_hash])
    draft = replace(record, text_hash=text_hash, query_hash=query_hash)
    file = builder.store.file(draft.relation, draft.fingerprint.whole, lambda: [node.path])
    is_new = not file.exists()
    if is_new:
        with read_seed(path, node.seed_types, node.seed_delimiter) as reader:
            builder.store.write(reader, f"select * from {SEED_ROWS}", file, parents=[node.path])
    return builder.stored(draft, [file], is_new)


def _names_nobody(builder: Builder, node: Node, path: Path) -> None:
    """People's data land as a source, where they are masked and can be forgotten; git keeps a seed for good."""
    words = {str(word) for source in builder.manifest.sources() for word in source.meta.get("personal_names") or ()}
    names_person = Personal(names=tuple(sorted(words))).names_person
    spared = {column.name for column in node.columns if column.is_personal is False}
    for name in seed_header(path, node.seed_delimiter):
        if name not in spared and names_person(name):
            raise ScorehouseError(
                f"{node.path}: column {name}: expected nobody's data in a seed, which git keeps for good, found a name that says "
                f"so; land it as a source, or say that it names nobody: meta: {{personal: false}}."
            )
