"""People who are to be forgotten: a list that names nobody, and what of a file is theirs.

The list lies in main's part of the store, where every branch reads it. It holds keyed hashes of ids, and the key: who reads it
can ask whether an id is on it, and cannot read one from it.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import duckdb
from mashumaro.codecs.json import JSONDecoder, JSONEncoder

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.quoting import identifier, literal
from scorehouse.sources import cells
from scorehouse.sources.keyed import Key, define_hash
from scorehouse.sources.personal import Whose, has_address, pseudonym
from scorehouse.store.details import Column
from scorehouse.store.durable import write_durably

FILE = "forgotten.json"
_ID = Column("id", "VARCHAR", kind="id")


@dataclass(frozen=True)
class Forgotten:
    """The list.

    Attributes:
        key: what the hashes are made with.
        people: their ids' hashes.
        pending: those of whom something may be left: the next release of main is the first without them.
    """

    key: str = field(default_factory=lambda: secrets.token_hex(32))
    people: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, store: Path) -> Self:
        """That of a store; an empty one where nobody was forgotten.

        Raises ScorehouseError for a damaged one: who stood on it must not land again.
        """
        file = store / FILE
        if not os.path.lexists(file):
            return cls()
        try:
            text = file.read_text()
            is_whole = json.loads(text).keys() == cls.__dataclass_fields__.keys()
            known = _DECODER.decode(text) if is_whole else None
        except (OSError, ValueError, LookupError, AttributeError, RecursionError):
            known = None
        if known is None:
            raise ScorehouseError(
                f"{file}: expected the list of who is to be forgotten, found a file that is damaged or cannot be read; "
                f"bring it back from a copy, since without it their rows would land again (remove it only if nobody ever was)."
            )
        return known

    def write(self, store: Path) -> None:
        """Make it that of a store."""
        write_durably(store / FILE, _ENCODER.encode(self))

    def mark(self, person: str) -> str:
        """What stands on the list for an id as it is spelled everywhere."""
        return Key(self.key).hash(person)

    @property
    def version(self) -> str:
        """Names who is on it; empty where nobody is."""
        return digest(sorted(self.people))[:12] if self.people else ""

    def taken_out(self, reader: duckdb.DuckDBPyConnection, ids: Iterable[Whose]) -> list[str]:
        """Take the rows of people on the list out of the view `raw`; returns who they are, by their hashes.

        Args:
            ids: the columns that say whose a row is.
        """
        if not self.people:
            return []
        kinds = {name.lower(): (name, kind) for name, kind, *_ in reader.execute("describe raw").fetchall()}
        values = [self._of(whose, kinds) for whose in ids if whose.column in kinds]
        self._define(reader)
        found = self._found(reader, values)
        if found:
            kept = " and ".join(f"coalesce({value} not in (select mark from forgotten), true)" for value in values)
            reader.execute(f"create or replace temp table remembered as select * from raw where {kept}")
            reader.execute("create or replace temp view raw as from remembered")
        return found

    def _of(self, whose: Whose, kinds: Mapping[str, tuple[str, str]]) -> str:
        """The hash of the id of a row's person; NULL where the row is of nobody, as another column says."""
        name, kind = kinds[whose.column]
        value = self._hashed(identifier(name), kind)
        for column, wanted in whose.where:
            if column in kinds:
                found, kind = kinds[column]
                text = cells.value_sql(identifier(found), kind, Column(column, "VARCHAR", kind="name"))
                value = f"case when coalesce(lower({text}), {literal(wanted)}) = {literal(wanted)} then {value} end"
        return value

    def columns_naming(self, reader: duckdb.DuckDBPyConnection) -> list[str]:
        """The columns of `raw` in which somebody on the list stands, as a whole cell."""
        kinds = [(name, kind) for name, kind, *_ in reader.execute("describe raw").fetchall()] if self.people else []
        self._define(reader)
        return [name for name, kind in kinds if self._found(reader, [self._hashed(identifier(name), kind)])]

    def _hashed(self, value: str, kind: str) -> str:
        return f"forgotten_mark({cells.value_sql(value, kind, _ID)})"

    def _define(self, reader: duckdb.DuckDBPyConnection) -> None:
        """Make what the SQL asks: the macro `forgotten_mark`, and the table `forgotten`."""
        define_hash(reader, "forgotten_mark", Key(self.key))
        reader.execute("create or replace temp table forgotten as select unnest(?::varchar[]) as mark", [self.people])

    def _found(self, reader: duckdb.DuckDBPyConnection, values: list[str]) -> list[str]:
        if not values:
            return []
        query = " union ".join(f"select {value} as mark from raw" for value in values)
        return sorted(
            mark for (mark,) in reader.execute(f"select mark from ({query}) semi join forgotten using (mark)").fetchall()
        )


NOBODY = Forgotten(key="")
_ENCODER, _DECODER = JSONEncoder(Forgotten), JSONDecoder(Forgotten)


def as_spelled(person: str, key: Key | None) -> str | None:
    """An id as tables spell it: a pseudonym where it is an e-mail address; None for what is no id, or had no key.

    >>> as_spelled(" 17850.0 ", None), as_spelled("n/a", None)
    ('17850', None)
    """
    if has_address(person):
        return pseudonym(person, key)
    with duckdb.connect() as reader:
        return reader.execute(f"select {cells.value_sql('$person', 'VARCHAR', _ID)}", {"person": person}).fetchall()[0][0]
