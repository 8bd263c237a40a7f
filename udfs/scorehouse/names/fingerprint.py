"""Fingerprints: names made from content."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FORMAT_VERSION = "3"
"""Part of every fingerprint and record: a new way to lay out files, or to name them, never meets the old one's."""


def digest(*parts: object) -> str:
    """32 hexadecimal digits (BLAKE2b, 128 bits) of a sequence of JSON-like parts; order and grouping count.

    The order of a mapping's keys does not. A part that JSON does not know counts as its text.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    >>> len(digest({"b": 1, "a": 2}))
    32
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Fingerprint:
    """Identity of a node's result, and its two halves.

    >>> old, new = (Fingerprint.of_source("raw.orders", "columns", day) for day in ("1st", "2nd"))
    >>> before, after = (Fingerprint.of(["select 1"], {"orders": one}, {"orders": one.whole}) for one in (old, new))
    >>> before.logic == after.logic, before.data == after.data, before.whole == after.whole
    (True, False, False)

    Attributes:
        own: the node's own definition (its name, the query, a seed's content, a function's body, configuration that shapes data).
        logic: `own` and the logic of everything upstream; sources do not count.
        data: the data versions of all sources upstream.
        whole: `own`, what computes it (engine, libraries), and what it reads. It names the file in the store.
    """

    own: str
    logic: str
    data: str
    whole: str

    @classmethod
    def of(
        cls, own: Iterable[object], parents: Mapping[str, "Fingerprint"], read: Mapping[str, str], engine: object = None
    ) -> "Fingerprint":
        """Fingerprint of a node.

        Args:
            own: its own definition.
            parents: fingerprints of what it is made of, by name: they say whether logic or data differ.
            read: marks of what it reads of them, by name: they say whether its result can differ.
            engine: what computes it, beside its definition.
        """
        definition = digest(FORMAT_VERSION, *own)
        named = sorted(parents.items())
        return cls(
            own=definition,
            logic=digest(definition, [(name, parent.logic) for name, parent in named]),
            data=digest(sorted({parent.data for parent in parents.values()})) if parents else digest(),
            whole=digest(definition, engine, sorted(read.items())),
        )

    @classmethod
    def of_source(cls, relation: str, declaration: str, data_version: str) -> "Fingerprint":
        """Fingerprint of a source table: its declaration is logic, its files are data."""
        return cls(own=declaration, logic=declaration, data=data_version, whole=digest(relation, declaration, data_version))
