"""People's data in raw files: what identifies a person becomes a pseudonym, or is dropped, before anything of a file is kept.

A value identifies a person when its column is declared so, when the name of an undeclared column or member says so, or when it
holds an e-mail address, wherever that stands. A pseudonym is the first half of HMAC-SHA256 (RFC 2104) of the value: who has the
key finds it again, and nobody else finds the value. Without a key nothing is left of it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from scorehouse.names.fingerprint import digest
from scorehouse.names.quoting import identifier, literal
from scorehouse.sources import cells
from scorehouse.sources.keyed import Key, define_hash
from scorehouse.store.details import Column

PREFIX = "person-"

E_MAIL = r"(?i)[\p{L}\p{N}._%+'-]+(@|%40)[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*\.\p{L}{2,}"
"""What an e-mail address looks like, also within a URL."""

E_MAILS = " (e-mail addresses)"
"""What is told of a column in which only these are masked."""

NOT_SHOWN = "(not shown)"
"""What stands for a cell that cannot be read, in a table about people."""

_E_MAIL_IN_PYTHON = re.compile(E_MAIL.replace(r"\p{L}\p{N}", r"\w").replace(r"\p{L}", r"[^\W\d_]"))

_PICTURE = r"(?i)@\dx\.(png|jpe?g|webp|gif|svg|avif)"
"""What looks like one, but says a picture's resolution: `logo@2x.png`."""

_MACROS = f"""
create or replace temp macro has_at(value) as contains(value, '@') or contains(value, '%40') or contains(value, 'u0040');
create or replace temp macro is_e_mail(value) as case
    when has_at(value) then regexp_matches(regexp_replace(value, {literal(_PICTURE)}, '', 'g'), {literal(E_MAIL)}) else false
end;
create or replace temp macro said(value) as
    case when not regexp_full_match(trim(value, {cells.BLANKS}), {literal(cells.MISSING)}) then value end;
"""


@dataclass(frozen=True)
class Personal:
    """What a source table declares of people.

    Attributes:
        columns: declared columns that identify a person.
        others: all other declared columns.
        names: an undeclared column or member is personal when its name has one of these words, or several in a row.
        is_whole: whether every undeclared column or member is.
        ids: declared columns that say whose a row is.
    """

    columns: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    is_whole: bool = False
    ids: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is declared."""
        return bool(self.columns or self.names or self.is_whole)

    def rules(self) -> str:
        """Hash of what is declared, and of how it is read."""
        return digest(sorted(self.columns), sorted(self.others), self.names, self.is_whole, sorted(self.ids), E_MAIL, _PICTURE)

    def holds(self, name: str) -> bool:
        """Whether a column, or a member of `properties`, of this name identifies a person.

        >>> Personal(others=frozenset({"name"}), names=("email", "first_name")).holds("contactEmail")
        True
        >>> Personal(names=("first_name",)).holds("first")
        False
        """
        if name.lower() in self.columns:
            return True
        return name.lower() not in self.others and (self.is_whole or self.names_person(name))

    def names_person(self, name: str) -> bool:
        """Whether a name's words say that it identifies a person."""
        words = f"_{_words(name)}_"
        return any(f"_{known}_" in words for known in self.names)


def _words(name: str) -> str:
    """A name's words in lower case, `_` between them.

    >>> _words("Billing Name"), _words("userIPAddress"), _words("e-mail"), _words("Vorname")
    ('billing_name', 'user_ip_address', 'e_mail', 'vorname')
    """
    apart = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", name)
    return "_".join(re.findall(r"\w+", apart.lower().replace("_", " ")))


def define_masks(reader: duckdb.DuckDBPyConnection, key: Key | None) -> None:
    """Make the macros that masking SQL calls: `is_e_mail`, `said` (NULL for a word that means "missing") and `pseudonym`."""
    reader.execute(_MACROS)
    if key:
        define_hash(reader, "keyed_hash", key)
    hidden = f"{literal(PREFIX)} || left(keyed_hash(value), 32)" if key else "cast(null as varchar)"
    reader.execute(f"create or replace temp macro pseudonym(value) as {hidden}")


def pseudonym(value: str, key: Key) -> str:
    """The pseudonym of a value, as SQL makes it, blanks and letter case aside.

    >>> pseudonym("ann@example.org", Key("a key of sixteen or more bytes"))
    'person-ab56e741a61a929b1f2db8d2dd5e42a2'
    """
    return PREFIX + key.hash(value)[:32]


def mask(
    reader: duckdb.DuckDBPyConnection,
    personal: Personal,
    declared: Mapping[str, Column],
    own: Iterable[str],
    fault: str,
    key: Key | None,
) -> list[str]:
    """Make the view `raw` the same rows without people's data; returns what was masked: `email`, `properties.phone`.

    Args:
        declared: declared columns that files may have, by name in lower case.
        own: columns that say where a row comes from: these stay.
        fault: the column that says what is wrong with a whole row. Which of its cells is whose is not known: none is kept.
    """
    define_masks(reader, key)
    all_kinds = {name: kind for name, kind, *_ in reader.execute("describe raw").fetchall()}
    kinds = {name: kind for name, kind in all_kinds.items() if name not in own and name != fault}
    masking = _Masking(reader, personal, declared, *_looked_through(reader, kinds))
    values, told = {name: identifier(name) for name in all_kinds}, []
    for name, kind in kinds.items():
        values[name], found = masking.column(name, kind)
        told += found
        if fault in all_kinds and personal:
            values[name] = f"case when {identifier(fault)} is null then {values[name]} end"
    named = [name for name in kinds if _E_MAIL_IN_PYTHON.search(name)]  # a file without a header has a person's data there
    told += ["columns named by e-mail addresses"] if named else []
    if named or any(value != identifier(name) for name, value in values.items()):
        listed = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items() if name not in named)
        reader.execute(f"create or replace temp table masked as select {listed} from raw")
        reader.execute("create or replace temp view raw as from masked")
    return told


def _looked_through(reader: duckdb.DuckDBPyConnection, kinds: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
    """The columns in which an e-mail address could stand, and those in which an object could: one scan tells."""
    texts = [name for name, kind in kinds.items() if _may_hold_text(kind)]
    asked = [
        f"bool_or(has_at({identifier(name)}::varchar)), bool_or(contains({identifier(name)}::varchar, '{{'))" for name in texts
    ]
    found = reader.execute(f"select {', '.join(asked)} from raw").fetchall()[0] if texts else ()
    return tuple(frozenset(name for name, is_so in zip(texts, found[place::2], strict=True) if is_so) for place in (0, 1))


@dataclass(frozen=True)
class _Masking:
    """How the columns of one file are masked, as SQL.

    Attributes:
        with_at, with_objects: columns in which an e-mail address, or an object, could stand.
    """

    reader: duckdb.DuckDBPyConnection
    personal: Personal
    declared: Mapping[str, Column]
    with_at: frozenset[str]
    with_objects: frozenset[str]

    def column(self, name: str, kind: str) -> tuple[str, list[str]]:
        """A column's values, and what of them was masked."""
        column, value = self.declared.get(name.lower()), identifier(name)
        if self.personal.holds(name):
            return self._hidden(value, kind, column), [name]
        if not _may_hold_text(kind):
            return value, []
        if self.personal.is_whole and column is not None and column.data_type not in ("VARCHAR", "JSON"):
            return self._readable(value, kind, column), []
        told = []
        if name in self.with_objects and (column is None or column.data_type == "JSON") and self._may_name_person(kind):
            paths = self._paths(value, kind, is_properties=column is not None)
            if paths:
                value, kind = _patched(value, kind, paths), kind if kind == "VARCHAR" else "JSON"
                told = [f"{name}.{'.'.join(path)}" for path in paths]
        has_e_mail = f"case when has_at(cast({value} as varchar)) then is_e_mail({_text(value, kind)}) else false end"
        if name not in self.with_at or not self.reader.execute(f"select 1 from raw where {has_e_mail} limit 1").fetchall():
            return value, told
        hidden, kept = self._hidden(value, kind, column), value
        if column is not None and column.data_type == "JSON":
            hidden = f"coalesce({_members_hidden(value, kind)}, {hidden})"
        elif kind == "BLOB":
            hidden = f"encode({hidden})"
        elif kind not in ("VARCHAR", "JSON"):
            hidden, kept = f"to_json({hidden})", f"to_json({value})"
        return f"case when {has_e_mail} then {hidden} else {kept} end", [*told, f"{name}{E_MAILS}"]

    def _may_name_person(self, kind: str) -> bool:
        """Whether members of a type could be personal: those of a struct stand in it."""
        names = re.findall(r'"((?:[^"]|"")+)"|(\w+)', kind)
        is_open = not kind.startswith("STRUCT") or "MAP" in kind or "JSON" in kind
        return is_open or any(self.personal.holds(quoted or plain) for quoted, plain in names)

    def _readable(self, value: str, kind: str, column: Column) -> str:
        """Cells that can be read as their column's type; whose the others are, nobody knows."""
        faults = " and ".join(cells.fault_sql(value, kind, column, decimal) for decimal in ".,")
        told = f"to_json({literal(NOT_SHOWN)})" if kind == "JSON" else literal(NOT_SHOWN)
        return f"case when {faults} then {told} else {value} end" if kind in ("VARCHAR", "JSON") else value

    def _hidden(self, value: str, kind: str, column: Column | None) -> str:
        """The pseudonyms of a column's values: letter case and blanks do not count, nor how an id is written."""
        if column is not None and column.kind == "id":
            text = cells.value_sql(value, kind, column)
            hidden = f"pseudonym(case when is_e_mail({text}) then lower({text}) else {text} end)"
        else:
            hidden = _pseudonym(_text(value, kind))
        return f"to_json({hidden})" if kind == "JSON" else hidden

    def _paths(self, value: str, kind: str, is_properties: bool) -> list[tuple[str, ...]]:
        """Where personal members stand in a column's objects."""
        query = f"select distinct json_structure({_json(value, kind)}) from raw"
        structures = [json.loads(text) for (text,) in self.reader.execute(query).fetchall() if text]
        found = dict.fromkeys(path for one in structures for path in self._paths_in(one, (), is_properties))
        if not any(_is_mixed(one) for one in structures):
            return list(found)
        query = f"select distinct tree.key from (select {_json(value, kind)} as v from raw) as told, json_tree(told.v) as tree"
        keys = [name for (name,) in self.reader.execute(query).fetchall() if name]
        if any(map(self.personal.names_person, keys)):
            found |= dict.fromkeys(path for one in structures for path in _mixed_paths(one, ()))
        return list(found)

    def _paths_in(self, structure: object, above: tuple[str, ...], is_properties: bool = False) -> Iterator[tuple[str, ...]]:
        """The same in one structure; of what stands in an array, where that stands."""
        if isinstance(structure, list):
            yield from (above for one in structure[:1] for _ in [*self._paths_in(one, above)][:1])
            return
        for name, below in structure.items() if isinstance(structure, dict) else ():
            is_personal = self.personal.holds(name) if is_properties else self.personal.names_person(name)
            yield from [(*above, name)] if is_personal else self._paths_in(below, (*above, name))


def _is_mixed(structure: object) -> bool:
    return any(True for _ in _mixed_paths(structure, ()))


def _mixed_paths(structure: object, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Where an array has elements of several kinds, of which DuckDB tells no members."""
    if isinstance(structure, list):
        yield from (above for one in structure[:1] for _ in ([one] if one == "JSON" else [*_mixed_paths(one, above)][:1]))
    for name, below in structure.items() if isinstance(structure, dict) else ():
        yield from _mixed_paths(below, (*above, name))


def _patched(value: str, kind: str, paths: Iterable[tuple[str, ...]]) -> str:
    """Objects with pseudonyms at these paths (RFC 7396: nothing takes a member away)."""
    whole = _json(value, kind)
    for path in paths:
        pointer = literal("".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in path))
        patch = f"to_json({_pseudonym(_text(f'json_extract(told, {pointer})', 'JSON'))})"
        for name in reversed(path):
            patch = f"json_object({literal(name)}, {patch})"
        patched = f"case when json_exists(told, {pointer}) then json_merge_patch(told, {patch}) else told end"
        whole = f"list_transform([{whole}], lambda told: {patched})[1]"
    return f"coalesce(cast({whole} as varchar), {value})" if kind == "VARCHAR" else whole


def _members_hidden(value: str, kind: str) -> str:
    """Objects with a pseudonym for each member that holds an e-mail address, without those that one names; NULL for no object."""
    text = _text("member.value", "JSON")
    one = f"{{'k': member.key, 'v': case when is_e_mail({text}) then to_json({_pseudonym(text)}) else member.value end}}"
    entries = f"map_entries(try_cast({_json(value, kind)} as map(varchar, json)))"
    entries = f"list_filter({entries}, lambda member: not is_e_mail(member.key))"
    members = f"to_json(map_from_entries(list_transform({entries}, lambda member: {one})))"
    return f"cast({members} as varchar)" if kind == "VARCHAR" else members


def _pseudonym(text: str) -> str:
    return f"pseudonym(lower(trim(said({text}), {cells.BLANKS})))"


def _may_hold_text(kind: str) -> bool:
    return kind in ("VARCHAR", "JSON", "BLOB") or kind.startswith(("STRUCT", "MAP", "UNION", "ENUM")) or kind.endswith("]")


def _text(value: str, kind: str) -> str:
    """A value as text: of JSON's texts what they say, of others without escapes."""
    if kind == "JSON":
        text = f"when 'VARCHAR' then {value} ->> '$' else cast(json({value}) as varchar)"
        return f"(case json_type({value}) when 'NULL' then null {text} end)"
    if kind == "BLOB":
        return f"coalesce(try(decode({value})), hex({value}))"
    return value if kind == "VARCHAR" else f"cast({value} as varchar)"


def _json(value: str, kind: str) -> str:
    """A value as JSON; NULL for a text that is none."""
    if kind == "VARCHAR":
        return f"(case when contains({value}, '{{') then try_cast({value} as json) end)"
    return value if kind == "JSON" else f"to_json({value})"
