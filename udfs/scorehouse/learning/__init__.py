"""Learning: a table of examples and a declaration become one row that holds a fitted model."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from scorehouse.learning.declare.spec import Spec

__all__ = ["Spec", "fit", "prove_again"]


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


def prove_again(row: pa.Table, examples: pa.Table, spec: Spec, where: str) -> str | None:
    """Why a version that was proved before cannot be scored with any more; None where it can, or never could.

    A brought model is compared with its library's own predictions. The estimator of one that was trained is gone, as is the
    file of a model that another one replaced: its formula, which agreed with it, is compared with the SQL and the function that
    compute scores.

    Args:
        row: the version's, with the columns of `learning.version_row.SCHEMA`.
        examples, spec, where: see `fit`.
    """
    from scorehouse.learning.fitting import proved_again  # scikit-learn loads only where something is proved

    return proved_again(row, examples, spec, where)
