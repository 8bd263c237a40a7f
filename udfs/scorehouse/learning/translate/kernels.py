"""Formulas of kernel machines: sums over similarities to learned points."""

import itertools

import numpy as np

from scorehouse.learning.translate.decompositions import projected
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.learning.translate.linear import predictions
from scorehouse.scoring.steps import Bins, Function, Kernel, Scale

KINDS = {"linear": "linear", "poly": "poly", "polynomial": "poly", "rbf": "rbf", "sigmoid": "sigmoid"}


def _similar(model: object, inputs: list[str], points: np.ndarray, draft: Draft, gamma: float | None) -> list[str]:
    """Similarities to points [points, inputs] by the model's kernel; what it leaves open is scikit-learn's own choice."""
    if model.kernel not in KINDS:
        raise UnknownFormulaError(f"{type(model).__name__} with kernel {model.kernel}")
    chosen = {
        "gamma": 1 / points.shape[1] if gamma is None else gamma,
        "offset": 1 if model.coef0 is None else model.coef0,
        "degree": 3 if model.degree is None else model.degree,
    }
    return _kernel(inputs, points, draft, KINDS[model.kernel], **chosen)


def _kernel(inputs: list[str], points: np.ndarray, draft: Draft, kind: str, **chosen: float) -> list[str]:
    names = tuple(draft.fresh(f"similarity {place}") for place in range(len(points)))
    parameters = {name: float(value) for name, value in chosen.items()}
    return draft.add(Kernel(tuple(draft.numbers(inputs)), names, kind, np.asarray(points, np.float64), **parameters))


@formula_of("predict", "sklearn.SVR", "sklearn.NuSVR")
def support_vector_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the support vectors."""
    similar = _similar(model, inputs, model.support_vectors_, draft, model._gamma)
    return draft.linear(similar, ["prediction"], model.dual_coef_, model.intercept_)


@formula_of("decision_function", "sklearn.SVC", "sklearn.NuSVC")
def support_vector_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the support vectors; for several classes the votes of their pairs."""
    similar = _similar(model, inputs, model.support_vectors_, draft, model._gamma)
    if len(model.classes_) == 2:
        return draft.linear(similar, ["margin"], model.dual_coef_, model.intercept_)
    if model.decision_function_shape != "ovr":
        raise UnknownFormulaError(f"{type(model).__name__} with decision_function_shape {model.decision_function_shape}")
    pairs = list(itertools.combinations(range(len(model.classes_)), 2))
    margins = draft.linear(similar, [f"margin {i} to {j}" for i, j in pairs], _pair_coefficients(model, pairs), model.intercept_)
    return _votes(margins, pairs, len(model.classes_), draft)


def _pair_coefficients(model: object, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Coefficients of the support vectors in each pair's margin: float64 [pairs, vectors]."""
    ends = np.cumsum(model.n_support_)
    own = [slice(end - count, end) for end, count in zip(ends, model.n_support_, strict=True)]
    found = np.zeros((len(pairs), ends[-1]))
    for margin, (i, j) in zip(found, pairs, strict=True):
        margin[own[i]] = model.dual_coef_[j - 1, own[i]]
        margin[own[j]] = model.dual_coef_[i, own[j]]
    return found


def _votes(margins: list[str], pairs: list[tuple[int, int]], count: int, draft: Draft) -> list[str]:
    """For each class the pairs that it wins, and within (-1/3, 1/3) by how much: s / (3 (1 + |s|)) of its summed margins s."""
    edge, table = np.zeros(1), np.array([[0.0, 1.0], [1.0, 0.0]])
    votes = [
        draft.add(Bins((margin,), (draft.fresh(f"{margin} won"), draft.fresh(f"{margin} lost")), edge, table, np.full(2, np.nan)))
        for margin in margins
    ]
    signs = np.array([[(k == i) - (k == j) for i, j in pairs] for k in range(count)], np.float64)
    summed = draft.linear(margins, [f"margin {k}" for k in range(count)], signs, np.zeros(count))
    leads = [draft.step(Function.of, name, f"{name} lead", formula="softsign") for name in summed]
    found = []
    for k in range(count):
        won = [names[k == j] for names, (i, j) in zip(votes, pairs, strict=True) if k in (i, j)]
        found += draft.linear([*won, leads[k]], [f"votes {k}"], np.array([*[1.0] * len(won), 1 / 3]), 0.0)
    return found


@formula_of("score_samples", "sklearn.OneClassSVM")
def one_class(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the support vectors."""
    similar = _similar(model, inputs, model.support_vectors_, draft, model._gamma)
    return draft.linear(similar, ["score"], model.dual_coef_, 0.0)


@formula_of("predict", "sklearn.KernelRidge")
def kernel_ridge(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the training rows, for each target."""
    similar, coefficients = _similar(model, inputs, model.X_fit_, draft, model.gamma), np.atleast_2d(model.dual_coef_.T)
    return draft.linear(similar, predictions(len(coefficients)), coefficients, 0.0)


@formula_of("transform", "sklearn.KernelPCA")
def kernel_components(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Centred similarities to the training rows, projected on the eigenvectors."""
    kept = np.flatnonzero(model.eigenvalues_)
    projection = np.zeros_like(model.eigenvectors_)
    projection[:, kept] = model.eigenvectors_[:, kept] / np.sqrt(model.eigenvalues_[kept])
    similar = _similar(model, inputs, model.X_fit_, draft, model.gamma_)
    centring = model._centerer
    constants = (centring.K_fit_all_ - centring.K_fit_rows_) @ projection
    names = [f"component_{place}" for place in range(projection.shape[1])]
    return draft.linear(similar, names, (projection - projection.mean(axis=0)).T, constants)


@formula_of("transform", "sklearn.Nystroem")
def nystroem(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Similarities to the chosen points, normalised."""
    return projected(_similar(model, inputs, model.components_, draft, model.gamma), None, model.normalization_.T, draft)


@formula_of("predict", "sklearn.GaussianProcessRegressor")
def gaussian_process(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of radial similarities to the training rows, for each target."""
    factor, lengths = _radial(model.kernel_)
    scales = np.broadcast_to(np.asarray(lengths, np.float64), model.X_train_.shape[1])
    scaled = [
        draft.step(Scale.of, name, f"{name} in lengths", divisor=float(scale))
        for name, scale in zip(draft.numbers(inputs), scales, strict=True)
    ]
    similar = _kernel(scaled, model.X_train_ / scales, draft, "rbf", gamma=0.5)
    coefficients = np.atleast_2d(model.alpha_.T) * factor * np.reshape(model._y_train_std, (-1, 1))
    return draft.linear(similar, predictions(len(coefficients)), coefficients, np.ravel(model._y_train_mean))


def _radial(kernel: object) -> tuple[float, object]:
    """(factor, lengths) of a kernel factor * exp(-|difference / lengths|**2 / 2), noise aside."""
    kind = type(kernel).__name__
    if kind == "RBF":
        return 1.0, kernel.length_scale
    if kind == "Sum" and type(kernel.k2).__name__ == "WhiteKernel":
        return _radial(kernel.k1)
    if kind == "Product" and type(kernel.k1).__name__ == "ConstantKernel":
        factor, lengths = _radial(kernel.k2)
        return factor * float(kernel.k1.constant_value), lengths
    raise UnknownFormulaError(f"GaussianProcessRegressor with kernel {kernel}")
