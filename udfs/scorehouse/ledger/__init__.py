"""What happened on a branch, as lines that are only ever added to: a ledger for each run, and one audit trail."""
