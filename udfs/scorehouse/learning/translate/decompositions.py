"""Formulas of decompositions that are linear."""

import numpy as np

from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Linear


def projected(inputs: list[str], centre: np.ndarray | None, matrix: np.ndarray, draft: Draft) -> list[str]:
    """(x - centre) @ matrix."""
    outputs = tuple(draft.fresh(f"component_{place}") for place in range(matrix.shape[1]))
    plain = Linear.of(draft.numbers(inputs), outputs, matrix.T, np.zeros(len(outputs)))
    return draft.add(plain if centre is None else plain.changed(offsets=np.asarray(centre, np.float64)))


@formula_of("transform", "sklearn.PCA", "sklearn.IncrementalPCA")
def principal_components(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """(x - mean) @ components, each divided by its standard deviation where whitening was asked for."""
    matrix = model.components_.T
    if model.whiten:
        deviation = np.sqrt(model.explained_variance_)
        matrix = matrix / np.maximum(deviation, np.finfo(deviation.dtype).eps)
    return projected(inputs, model.mean_, matrix, draft)


@formula_of("transform", "sklearn.TruncatedSVD", "sklearn.GaussianRandomProjection", "sklearn.SparseRandomProjection")
def projection(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """x @ components."""
    components = model.components_
    return projected(inputs, None, (components.toarray() if hasattr(components, "toarray") else components).T, draft)


@formula_of("transform", "sklearn.FastICA")
def independent_components(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """(x - mean) @ components."""
    return projected(inputs, model.mean_ if model.whiten else None, model.components_.T, draft)


@formula_of("transform", "sklearn.FactorAnalysis")
def factor_analysis(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The posterior mean of the factors (Bishop, Pattern Recognition and Machine Learning, 2006, chapter 12)."""
    weighted = model.components_ / model.noise_variance_
    covariance = np.linalg.inv(np.eye(len(model.components_)) + weighted @ model.components_.T)
    return projected(inputs, model.mean_, weighted.T @ covariance, draft)


@formula_of("transform", "sklearn.SparsePCA", "sklearn.MiniBatchSparsePCA")
def sparse_components(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Ridge regression of (x - mean) on the components."""
    components = model.components_
    gram = components @ components.T + model.ridge_alpha * np.eye(len(components))
    return projected(inputs, model.mean_, np.linalg.solve(gram, components).T, draft)


@formula_of("transform", "sklearn.LinearDiscriminantAnalysis")
def discriminant_axes(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """(x - overall mean) @ scalings."""
    if model.solver == "lsqr":
        raise UnknownFormulaError("LinearDiscriminantAnalysis with solver lsqr as a transformer")
    centre = model.xbar_ if model.solver == "svd" else None
    return projected(inputs, centre, model.scalings_[:, : model._max_components], draft)
