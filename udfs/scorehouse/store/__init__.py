"""The store: immutable data files, and what a branch knows of them."""
