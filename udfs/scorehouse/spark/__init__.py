"""The project on Apache Spark: translated, run by dbt-spark, and compared with what DuckDB found."""
