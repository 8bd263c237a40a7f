"""What the project says of its nightly run: the variable `nightly` of dbt_project.yml."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from scorehouse.errors import ScorehouseError

KINDS = ("start", "failure", "recovery", "finish")
"""Messages that can be sent; a reminder is a failure's."""

LARGEST = 1_000_000
"""Numbers of hours, days or minutes beyond it are meant as none, and are none that a date can have."""


@dataclass(frozen=True)
class Settings:
    """How a nightly run behaves.

    Attributes:
        time_limit_minutes: of one build; then it is ended.
        grace_seconds: between Ctrl-C, SIGTERM and SIGKILL for a build that is to end.
        reminder_hours: after which somebody is told again of what is still broken.
        kept_logs_days: older logs are deleted.
        kept_logs_megabytes: of all logs together, the oldest go first.
        kept_ledger_days: older files of ledgers are deleted, but for what is still needed of them.
        kept_ledger_megabytes: of a ledger, the oldest go first, likewise.
        alerts: which messages are sent.
    """

    time_limit_minutes: float = 240
    grace_seconds: float = 30
    reminder_hours: float = 24
    kept_logs_days: float = 90
    kept_logs_megabytes: float = 500
    kept_ledger_days: float = 400
    kept_ledger_megabytes: float = 20
    alerts: tuple[str, ...] = ("failure", "recovery")

    @classmethod
    def read(cls, project: Path) -> Self:
        """The settings of a project's folder; defaults for what it does not say.

        Raises ScorehouseError for a file that does not parse, and for a setting that cannot be.
        """
        file = project / "dbt_project.yml"
        try:
            import yaml

            said = (yaml.safe_load(file.read_text(encoding="utf-8")).get("vars") or {}).get("nightly") or {}
            given = dict(said)
        except Exception as error:  # whatever is the matter with it, the run goes on with defaults
            raise ScorehouseError(
                f"{file.name}: expected a project with vars: nightly, found: {_first(error)}; correct it."
            ) from None
        return cls.of(given)

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """The settings that a project gives by name; raises ScorehouseError for one that cannot be."""
        known = [one.name for one in fields(cls)]
        for name, value in given.items():
            if name not in known:
                raise ScorehouseError(f"Variable nightly: expected {', '.join(known)}, found '{name}'; correct it.")
            if name == "alerts":
                _expect_kinds(value)
            elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < LARGEST:
                raise ScorehouseError(f"Variable nightly: {name}: expected a number above 0, found '{value}'; correct it.")
        return cls(**{**given, **({"alerts": tuple(given["alerts"])} if "alerts" in given else {})})


def _expect_kinds(value: object) -> None:
    if not isinstance(value, list) or not all(kind in KINDS for kind in value):
        raise ScorehouseError(f"Variable nightly: alerts: expected a list of {', '.join(KINDS)}, found '{value}'; correct it.")


def _first(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
