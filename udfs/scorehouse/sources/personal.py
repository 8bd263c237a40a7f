"""What of raw files is people's data, and what stands for it: a pseudonym, or nothing.

A value identifies a person when its column is declared so, when the name of an undeclared column or member says so, however deep
it stands, or when it holds an e-mail address. A pseudonym is the first half of HMAC-SHA256 (RFC 2104) of the value: who has the
key finds it again, and nobody else finds the value. Without a key nothing is left of it.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import unescape
from urllib.parse import unquote

from scorehouse.names.fingerprint import digest
from scorehouse.sources import cells
from scorehouse.sources.keyed import Key

PREFIX = "person-"

_LABEL = r"[^\s@<>()\[\]{}|,;:\"'\\/?#&=!.]+"
_ADDRESS = re.compile(rf"""(?:"[^"@]+"|[^\s@<>()\[\]{{}},;:"\\/?=]+)@((?:{_LABEL}\.)+{_LABEL}{_LABEL})""")
_NO_DOMAIN = re.compile(r"\d+(\.\d+)?x\.|\d+(\.\d+)+")
"""What begins the rest of `logo@2x.png`, of `package@4.17.21.min.js`."""

_MARKS = "@%&\\\uff20\ufe6b"
"""One of these is in every address, however it is written."""

_ESCAPED = re.compile(r"(?:\\+(?:u00|x)|%u00)([2-7][0-9a-f])", re.IGNORECASE)
"""A character of ASCII as JSON and programs escape it, also within JSON's texts of JSON."""

_NUMBER_OR_TIME = re.compile(r"[+(-]*\d[\d\s.,:/()+TZ-]*")
"""A cell that is a number, a date or time, or a telephone number, from its first character to its last."""

_FULL_STOP = "\u3002"
"""What names of domains have for a dot, too (RFC 3490)."""

_MISSING = re.compile(cells.MISSING)
BLANK = cells.BLANKS[1:-1].replace("''", "'")


@dataclass(frozen=True)
class Whose:
    """A declared column that says whose a row is, and what other columns must hold for that, all in lower case."""

    column: str
    where: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Personal:
    """What a source table declares of people.

    Attributes:
        columns: declared columns that identify a person, in lower case.
        others: all other declared columns.
        names: an undeclared column or member is personal when its name has one of these words, or several in a row.
        is_whole: whether every undeclared column or member is.
        ids: what says whose a row is.
    """

    columns: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    is_whole: bool = False
    ids: tuple[Whose, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is declared."""
        return bool(self.columns or self.names or self.is_whole)

    def rules(self) -> str:
        """Hash of what is declared; a column that would be masked under no name counts for nothing."""
        spared = sorted(name for name in self.others if self.is_whole or self.names_person(name))
        return digest(sorted(self.columns), spared, self.names, self.is_whole, [vars(one) for one in self.ids])

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
        """Whether a name's words say that it identifies a person.

        >>> named = Personal(names=("phone", "first_name")).names_person
        >>> [named(name) for name in ("HomePhones2", "FirstName", "firstname", "headphone", "name")]
        [True, True, True, False, False]
        """
        words = _words(name)
        spoken = f" {' '.join(words)} "
        return any(f" {' '.join(known)} " in spoken or "".join(known) in words for known in map(_words, self.names))


@cache
def _words(name: str) -> tuple[str, ...]:
    """A name's words in lower case and the singular, without numbers.

    >>> _words("Billing Names"), _words("userIPAddress2"), _words("e-mail")
    (('billing', 'name'), ('user', 'ip', 'address'), ('e', 'mail'))
    """
    apart = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3_\2\4", unicodedata.normalize("NFKC", name))
    words = re.findall(r"[^\W\d_]+", apart.lower())
    return tuple(re.sub(r"(?<=ss)es$|(?<=[^s])s$", "", word) for word in words)


def has_address(text: str) -> bool:
    """Whether a text holds an e-mail address, also as URLs, HTML, JSON and other scripts write it.

    >>> has_address("mailto:zoe%40example.org"), has_address("logo@2x.png"), has_address("https://example.org/@zoe/a.html")
    (True, False, False)
    """
    if not any(mark in text for mark in _MARKS):
        return False
    return any(not _NO_DOMAIN.match(found[1]) for found in _ADDRESS.finditer(_plain(text)))


def is_row(names: Iterable[str]) -> bool:
    """Whether a file's first line holds a row in a header's place: a number, a time or an address is no column's name.

    >>> is_row(["Zoe Quux", "2026-01-03 10:15:00"]), is_row(["Zoe Quux", "+49 171 7731"]), is_row(["Name", "Line 2", "2nd"])
    (True, True, False)
    """
    return any(_NUMBER_OR_TIME.fullmatch(name.strip()) or has_address(name) for name in names)


def _plain(text: str) -> str:
    said = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return unicodedata.normalize("NFKC", unescape(unquote(unquote(said)))).replace(_FULL_STOP, ".")


def is_missing(text: str) -> bool:
    """Whether a text is blank, or a word for "missing"."""
    return _MISSING.fullmatch(text.strip(BLANK)) is not None


def spelled(text: str) -> str | None:
    """A value as it is hashed: letter case, blanks around it and Unicode's forms do not count; None for a word that means none.

    >>> spelled(" MAILTO:Ann%40Example.org "), spelled("N/A")
    ('ann@example.org', None)
    """
    plain = _plain(text) if has_address(text) else unicodedata.normalize("NFKC", text)
    plain = plain.strip(BLANK).lower()
    return None if is_missing(plain) else plain.removeprefix("mailto:")


def pseudonym(text: str, key: Key | None) -> str | None:
    """The pseudonym of a value; None without a key, and of a word that means none.

    >>> pseudonym("Ann@example.org", Key("a key of sixteen or more bytes"))
    'person-ab56e741a61a929b1f2db8d2dd5e42a2'
    """
    value = spelled(text) if key else None
    return PREFIX + key.hash(value)[:32] if value is not None else None
