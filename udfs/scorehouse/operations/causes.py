"""The first failures of a run, and what only followed from them."""

from collections.abc import Iterable
from dataclasses import dataclass

from scorehouse.build.manifest import Manifest, Node


@dataclass(frozen=True)
class Cause:
    """A failure that follows from no other one of its run.

    Attributes:
        node, name: of what failed: id and name.
        subject: the model, seed or source that it is about; of a data test, what is tested.
        message: what failed, in a sentence.
        team, owner: the group that the subject belongs to, and its owner's e-mail.
        path: the node's file.
        effects: names of what failed or was skipped after it.
    """

    node: str
    name: str
    subject: str
    message: str
    team: str
    owner: str
    path: str
    effects: tuple[str, ...] = ()


def causes(manifest: Manifest, failures: dict[str, str], unwell: Iterable[str]) -> list[Cause]:
    """The failures upstream of which nothing failed, in the order in which they happened.

    Args:
        failures: what went wrong with each node that failed, by id.
        unwell: ids of all that failed or was skipped.
    """
    known = [node_id for node_id in failures if manifest.has(node_id)]
    above = {node_id: _above(manifest, node_id) for node_id in {*known, *(one for one in unwell if manifest.has(one))}}
    red = {subject(manifest, node_id).id: node_id for node_id in reversed(known)}
    roots = [node_id for node_id in known if not above[node_id] & red.keys() and red[subject(manifest, node_id).id] == node_id]
    roots = roots or known[:1]  # two that read each other: the first that failed
    return [
        _cause(manifest, node_id, failures[node_id], {one: up for one, up in above.items() if one != node_id})
        for node_id in roots
    ]


def subject(manifest: Manifest, node_id: str) -> Node:
    """What a node is about: a data test about what it is attached to."""
    node = manifest.node(node_id)
    attached = node.question.attached_to if node.question else None
    return manifest.node(attached) if attached else node


def _cause(manifest: Manifest, node_id: str, message: str, others: dict[str, set[str]]) -> Cause:
    node, about = manifest.node(node_id), subject(manifest, node_id)
    after = (one for one, above in others.items() if about.id in {*above, subject(manifest, one).id})
    effects = tuple(sorted(manifest.node(one).name for one in after))
    belongs = about if about.team else node
    return Cause(node_id, node.name, about.name, message, belongs.team, belongs.owner, node.path, effects)


def _above(manifest: Manifest, node_id: str) -> set[str]:
    """Ids of all that a node is made of, and of what a test is attached to or reads besides."""
    about, node = subject(manifest, node_id), manifest.node(node_id)
    found = {one.id for one in manifest.ancestors(about)}
    return found | ({one.id for one in manifest.ancestors(node)} - {about.id} if node is not about else set())
