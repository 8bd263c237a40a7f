"""Learning: a table of examples and a declaration become one row that holds a fitted model."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from scorehouse.learning.declare.spec import Spec

__all__ = ["Spec", "fit"]


def fit(examples: pa.Table, spec: Spec | Mapping[str, Any], version: str, where: str = "fitted model") -> pa.Table:
    """Train, prove and measure one version of a model.

    Args:
        examples: key, time, label and features, by name; see Spec.
        spec: the declaration, or the `meta` that holds it.
        version: name of the version.
        where: the model's file, named in messages.

    Returns:
        One row with the columns of `learning.version_row.SCHEMA`. Too few examples, or one class only, give status
        insufficient_examples and no weights: scores are then empty, not wrong. Ways to score that disagree give
        parity_failed.

    Raises:
        ScorehouseError: a declaration or examples that cannot be used; LeakError for a feature that gives the label away.
    """
    from scorehouse.learning.fitting import fit_declared  # scikit-learn loads only where something trains

    return fit_declared(examples, spec if isinstance(spec, Spec) else Spec.read(where, spec), version, where)
