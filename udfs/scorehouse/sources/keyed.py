"""Keyed hashes (HMAC-SHA256, RFC 2104), in Python and in SQL: who has the key finds a value again, and nobody else finds it."""

import hashlib
import hmac
from dataclasses import dataclass, field

import duckdb

from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError

KEY = "SCOREHOUSE_PERSONAL_KEY"
"""The environment variable that holds the key of pseudonyms."""

LEAST_KEY_BYTES = 16
_BLOCK = 64


@dataclass(frozen=True)
class Key:
    """What pseudonyms are made with; never printed.

    >>> Key("a key of sixteen or more bytes")
    Key()
    """

    secret: str = field(repr=False)

    @classmethod
    def of(cls, secret: str | None) -> "Key | None":
        """The key that the environment holds, None where it holds none. Raises ScorehouseError for one that can be guessed."""
        if not secret:
            return None
        if len(secret.encode()) < LEAST_KEY_BYTES:
            raise ScorehouseError(
                f"{KEY}: expected at least {LEAST_KEY_BYTES} bytes that nobody guesses, found {len(secret.encode())}; "
                "make one: openssl rand -hex 32"
            )
        return cls(secret)

    @cached_property
    def id(self) -> str:
        """Names the key, and tells nothing of it."""
        return self.hash("scorehouse key")[:12]

    def hash(self, value: str) -> str:
        """HMAC-SHA256 of a value, in hexadecimal.

        >>> Key("a key of sixteen or more bytes").hash("ann@example.org")[:12]
        'ab56e741a61a'
        """
        return hmac.new(self.secret.encode(), value.encode(), hashlib.sha256).hexdigest()

    def pads(self) -> tuple[bytes, bytes]:
        """What RFC 2104 hashes before a value, and before that hash."""
        secret = self.secret.encode()
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def define_hash(reader: duckdb.DuckDBPyConnection, name: str, key: Key) -> None:
    """Make a macro that hashes a text as `Key.hash` does; the key stands in no text of SQL."""
    reader.execute("create or replace temp table pads as select ?::blob as inner_pad, ?::blob as outer_pad", key.pads())
    for pad in ("inner_pad", "outer_pad"):
        reader.execute(f"set variable {name}_{pad} = (select {pad} from pads)")
    reader.execute("drop table pads")
    inner = f"unhex(sha256(getvariable('{name}_inner_pad') || encode(value)))"
    reader.execute(f"create or replace temp macro {name}(value) as sha256(getvariable('{name}_outer_pad') || {inner})")
