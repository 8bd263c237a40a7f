"""Rules that turn DuckDB's SQL into Spark's, a file per kind.

A function or a construct is translated by a rule of its own, or stands in a list of those that mean the same in both; everything
else is refused. `tests/unit/spark/examples.py` holds for each rule what it turns into what; both engines are asked there, too.
"""

from scorehouse.spark.rules import aggregates, dates, json, lists, numbers, queries, texts, types, windows

__all__ = ["aggregates", "dates", "json", "lists", "numbers", "queries", "texts", "types", "windows"]
