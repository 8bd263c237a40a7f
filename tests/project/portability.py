"""Which models' SQL other engines could be given: what sqlglot says that it cannot write for them.

A model without a line translates as far as sqlglot knows, which is not far: `make spark` shows what else it takes.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlglot import ErrorLevel, parse_one
from sqlglot.errors import UnsupportedError

DIALECTS = ("spark", "snowflake", "bigquery", "trino", "postgres")
FILE = Path(__file__).with_suffix(".csv")


def unportable(models: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Why a model's SQL, by name, cannot be written for a dialect, by (model, dialect)."""
    found = {}
    for name, sql in sorted(models.items()):
        tree = parse_one(sql, dialect="duckdb")
        for dialect in DIALECTS:
            try:
                tree.sql(dialect, unsupported_level=ErrorLevel.RAISE)
            except UnsupportedError as error:
                found[name, dialect] = " ".join(str(error).splitlines()[0].split())
            except AttributeError as error:  # sqlglot's BigQuery reads a name of a struct's field as a type
                found[name, dialect] = f"sqlglot fails: {error}"
    return found


def known() -> dict[tuple[str, str], str]:
    with FILE.open() as lines:
        return {(row["model"], row["dialect"]): row["reason"] for row in csv.DictReader(lines)}


def write(found: Mapping[tuple[str, str], str], models: Iterable[str]) -> None:
    """Keep the lines of models that are not asked now."""
    asked = set(models)
    kept = {place: reason for place, reason in known().items() if place[0] not in asked} if FILE.exists() else {}
    with FILE.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["model", "dialect", "reason"])
        writer.writerows([*place, reason] for place, reason in sorted({**kept, **found}.items()))
