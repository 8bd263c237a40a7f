"""Run every benchmark, or those named: python -m bench [main_job] [store] [scoring]."""

import sys

from bench import main_job, scoring, store

BENCHMARKS = {"main_job": main_job.run, "store": store.run, "scoring": scoring.run}

for name in sys.argv[1:] or BENCHMARKS:
    print(f"\n## {name}\n", flush=True)
    BENCHMARKS[name]()
