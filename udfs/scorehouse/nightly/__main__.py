"""Run `dbt build` as nobody watches it: python -m scorehouse.nightly [options of dbt build]."""

import sys

from scorehouse.nightly.supervise import main

sys.exit(main(sys.argv[1:]))
