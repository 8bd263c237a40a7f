"""Scorehouse: scores in your database. Everything that dbt's function nodes and materializations need, in one package."""
