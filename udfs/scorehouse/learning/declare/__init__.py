"""What a fitted model is declared as, and the examples that it is fitted on."""
