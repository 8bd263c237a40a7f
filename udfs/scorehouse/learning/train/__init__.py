"""The declared estimator, fitted."""
