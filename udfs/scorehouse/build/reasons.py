"""Why a node was built, or could be reused."""

from collections.abc import Mapping

from scorehouse.store.records import NodeRecord, changes


def explain(previous: NodeRecord | None, now: NodeRecord, is_built: bool) -> str:
    """Why a node was built or could be reused, in one sentence that names the cause."""
    if previous is None:
        return "first build on this branch" if is_built else "the store has it from another build"
    changed, unread = _told_apart(changes(previous.inputs, now.inputs), previous.inputs, now.inputs)
    named = ", ".join(changed)
    if previous.fingerprint.whole == now.fingerprint.whole:
        if is_built:
            return "its file was missing from the store"
        same = [*([f"{named} changed, the query is the same"] if changed else []), *unread]
        return "; ".join(same) or "nothing changed"
    return f"{named or 'nothing'} changed" if is_built else f"{named or 'nothing'} changed, and the store has the result already"


ALL_OF, COLUMNS_OF = "all of ", "columns of "
"""What the names of inputs begin with that tell of a whole parent, beside what is read of it."""


def _told_apart(changed: list[str], before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What changed of what is read, and sentences on parents that changed in nothing that is read."""
    read = [name for name in changed if not name.startswith((ALL_OF, COLUMNS_OF))]
    unread = []
    for name in (name.removeprefix(ALL_OF) for name in changed if name.startswith(ALL_OF)):
        if name not in read:
            columns = [set(side.get(f"{COLUMNS_OF}{name}", "").split(",")) for side in (before, after)]
            differ = ", ".join(sorted(columns[0] ^ columns[1]))
            what = f"columns {differ} of {name}" if differ else name
            unread.append(f"{what} changed, none is read" if differ else f"{what} changed, nothing that is read of it did")
    return read, unread
