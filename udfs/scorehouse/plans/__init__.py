"""What DuckDB itself says a query does: the plan that it binds, and what can be concluded from it without running it."""
