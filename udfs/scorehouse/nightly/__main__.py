"""Run `dbt build` as nobody watches it: python -m scorehouse.nightly [options of dbt build]."""

import sys

from scorehouse.nightly import process
from scorehouse.nightly.supervise import main

process.run(lambda: main(sys.argv[1:]))
