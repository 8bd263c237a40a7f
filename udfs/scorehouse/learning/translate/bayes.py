"""Formulas of naive Bayes, discriminant analysis and Gaussian mixtures."""

import numpy as np

from scorehouse.learning.translate import trees
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.learning.translate.preprocessing import above
from scorehouse.scoring.steps import Bins, Largest, SquaredDistance


def posterior(joint: list[str], draft: Draft) -> list[str]:
    """Class probabilities from the classes' joint log-likelihoods."""
    if len(joint) > 2:
        return trees.probabilities(joint, draft)
    margin = draft.linear(joint, ["log odds"], np.array([-1.0, 1.0]), 0.0)
    return trees.probabilities(margin, draft)


def _classes(count: int, draft: Draft) -> tuple[str, ...]:
    return tuple(draft.fresh(f"log likelihood {place}") for place in range(count))


@formula_of("predict_proba", "sklearn.GaussianNB")
def gaussian_naive_bayes(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """log prior - sum of log(2 pi variance) / 2 - sum of (x - mean)**2 / (2 variance)."""
    constants = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2 * np.pi * model.var_), axis=1)
    names = _classes(len(constants), draft)
    density = SquaredDistance(tuple(draft.numbers(inputs)), names, model.theta_, 1 / model.var_, constants, -0.5)
    return posterior(draft.add(density), draft)


@formula_of("predict_proba", "sklearn.BernoulliNB")
def bernoulli_naive_bayes(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Linear in the features made 0 or 1."""
    if model.binarize is not None:
        inputs = [above(name, model.binarize, draft) for name in draft.numbers(inputs)]
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    constants = model.class_log_prior_ + absent.sum(axis=1)
    names = [f"log likelihood {place}" for place in range(len(constants))]
    return posterior(draft.linear(inputs, names, model.feature_log_prob_ - absent, constants), draft)


@formula_of("predict_proba", "sklearn.MultinomialNB", "sklearn.ComplementNB")
def multinomial_naive_bayes(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Linear in the counts; the complement variant has no prior."""
    constants = np.zeros_like(model.class_log_prior_) if type(model).__name__ == "ComplementNB" else model.class_log_prior_
    names = [f"log likelihood {place}" for place in range(len(constants))]
    return posterior(draft.linear(inputs, names, model.feature_log_prob_, constants), draft)


@formula_of("predict_proba", "sklearn.CategoricalNB")
def categorical_naive_bayes(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """log prior + the log share of each feature's category, given as its code."""
    found = []
    for number, (name, shares) in enumerate(zip(draft.numbers(inputs), model.feature_log_prob_, strict=True)):
        outputs = tuple(draft.fresh(f"log share {number} {place}") for place in range(len(shares)))
        edges = np.arange(1.0, shares.shape[1])
        found.append(draft.add(Bins((name,), outputs, edges, shares.T, np.full(len(shares), np.nan))))
    joint = [
        draft.linear(columns, [f"log likelihood {place}"], np.ones(len(columns)), model.class_log_prior_[place])[0]
        for place, columns in enumerate(zip(*found, strict=True))
    ]
    return posterior(joint, draft)


@formula_of("predict_proba", "sklearn.NearestCentroid")
def nearest_centroid(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """2 log prior - the squared distance to each class's centre, in standard deviations within the classes."""
    deviation = np.where(model.within_class_std_dev_ == 0, 1.0, model.within_class_std_dev_)
    precisions = np.broadcast_to(deviation**-2.0, model.centroids_.shape)
    names = _classes(len(model.classes_), draft)
    constants = 2 * np.log(model.class_prior_)
    numbers = tuple(draft.numbers(inputs))
    return posterior(draft.add(SquaredDistance(numbers, names, model.centroids_, precisions, constants, -1.0)), draft)


@formula_of("predict_proba", "sklearn.QuadraticDiscriminantAnalysis")
def quadratic_discriminant(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """log prior - (squared length of the whitened difference to the mean + log determinant) / 2."""
    joint = []
    for place, (rotation, scaling) in enumerate(zip(model.rotations_, model.scalings_, strict=True)):
        constant = np.log(model.priors_[place]) - 0.5 * np.sum(np.log(scaling))
        joint.append(_whitened(inputs, model.means_[place], rotation * scaling**-0.5, constant, f"class {place}", draft))
    return posterior(joint, draft)


@formula_of("cluster", "sklearn.GaussianMixture")
def gaussian_mixture(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The component with the largest weighted density."""
    joint = []
    for place, mean in enumerate(model.means_):
        whitening = _cholesky(model, place)
        constant = np.log(model.weights_[place]) + np.sum(np.log(np.diag(whitening)))
        joint.append(_whitened(inputs, mean, whitening, constant, f"component {place}", draft))
    return draft.add(Largest(tuple(joint), (draft.fresh("cluster"),)))


def _cholesky(model: object, place: int) -> np.ndarray:
    """Cholesky factor of the precision matrix of one component."""
    found = model.precisions_cholesky_
    if model.covariance_type == "full":
        return found[place]
    if model.covariance_type == "tied":
        return found
    width = model.means_.shape[1]
    return np.diag(np.broadcast_to(found[place], width))


def _whitened(inputs: list[str], mean: np.ndarray, whitening: np.ndarray, constant: float, label: str, draft: Draft) -> str:
    """constant - squared length of ((x - mean) @ whitening) / 2."""
    count = whitening.shape[1]
    names = [f"{label} axis {axis}" for axis in range(count)]
    axes = draft.linear(inputs, names, whitening.T, -(mean @ whitening))
    ones = np.ones((1, count))
    output = (draft.fresh(f"{label} log likelihood"),)
    return draft.add(SquaredDistance(tuple(axes), output, np.zeros((1, count)), ones, np.array([constant]), -0.5))[0]


@formula_of("score_samples", "sklearn.EllipticEnvelope")
def elliptic_envelope(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Minus the squared Mahalanobis distance."""
    values, vectors = np.linalg.eigh(model.get_precision())
    if (values < 0).any():
        raise UnknownFormulaError("EllipticEnvelope with a singular covariance")
    names = [f"axis {axis}" for axis in range(len(values))]
    whitening = vectors * np.sqrt(values)
    axes = draft.linear(inputs, names, whitening.T, -(model.location_ @ whitening))
    zeros = np.zeros((1, len(values)))
    return draft.add(SquaredDistance(tuple(axes), (draft.fresh("score"),), zeros, np.ones_like(zeros), np.zeros(1), -1.0))
