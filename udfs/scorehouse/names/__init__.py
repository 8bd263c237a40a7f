"""Names and paths: pure functions that open nothing."""
