"""Raw bytes become landed tables."""
