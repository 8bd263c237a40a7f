"""A build that nobody watches: supervised from outside dbt, told of in the ledger, and to whoever must act."""
