"""Scoring: a fitted model as a formula over features, the same in NumPy and in SQL."""
