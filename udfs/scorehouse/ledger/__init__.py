"""What happened, written as it happens: a file of JSON lines for each run, beside the branch's releases."""
