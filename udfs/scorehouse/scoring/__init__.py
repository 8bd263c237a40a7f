"""Scoring: a pure function of (weights version, features), the same in SQL and Python."""
