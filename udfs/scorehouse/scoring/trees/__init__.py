"""Ensembles of decision trees: their form, two ways to score them, and their Shapley values."""
