"""How good a version is, and which one is kept."""
