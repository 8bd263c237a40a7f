"""Run every benchmark, or those named: python -m bench [main_job] [store] [scoring] [hands_off]."""

import sys

from bench import hands_off, main_job, scoring, store

BENCHMARKS = {"main_job": main_job.run, "store": store.run, "scoring": scoring.run, "hands_off": hands_off.run}

for name in sys.argv[1:] or BENCHMARKS:
    print(f"\n## {name}\n", flush=True)
    BENCHMARKS[name]()
