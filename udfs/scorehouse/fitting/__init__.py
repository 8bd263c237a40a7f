"""Learning: a declaration and a table of examples become one row that holds a fitted model.

`scorehouse.fitting.spec` reads declarations and needs nothing; `scorehouse.fitting.fit` loads scikit-learn.
"""
