"""Run the project on Spark: python -m scorehouse.spark, in the project's folder, after dbt build."""

import os
import sys
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.spark.run import run


def main() -> int:
    """The exit code; what happened is printed, the outcome last."""
    try:
        outcome = run(Path.cwd(), os.environ, lambda said: print(said, flush=True))
    except ScorehouseError as error:
        print(f"{error}\nNOTHING PUBLISHED: it could not begin.")
        return 1
    for sentence in (*outcome.refused, *outcome.failed, *outcome.different):
        print(sentence)
    print(outcome.said())
    return 0 if outcome.is_green else 1


sys.exit(main())
