1 / (1 + exp(-cast(log_odds as double)))
