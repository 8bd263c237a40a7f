"""Benchmarks: `make bench`. Numbers, never verdicts; peers run interleaved in the same process."""
