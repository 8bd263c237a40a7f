"""Scoring: a pure function of (weights version, features), the same in SQL and Python."""

from scorehouse.scoring.scorer import Scorer, load

__all__ = ["Scorer", "load"]
