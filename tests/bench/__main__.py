"""Run every benchmark, or those named: python -m bench main_job store scoring hands_off growth; growth by name alone."""

import sys

from bench import growth, hands_off, main_job, scoring, store

BENCHMARKS = {"main_job": main_job.run, "store": store.run, "scoring": scoring.run, "hands_off": hands_off.run}
LONG = {"growth": growth.run}

for name in sys.argv[1:] or BENCHMARKS:
    print(f"\n## {name}\n", flush=True)
    (BENCHMARKS | LONG)[name]()
