"""A run's nodes: found by fingerprint, or computed once."""
