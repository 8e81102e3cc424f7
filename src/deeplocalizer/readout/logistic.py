"""Logistic regression, in as few dimensions as there are samples.

Space            standardised features, turned into the space that the samples span
Model            one fit in that space
path             fits for several penalties
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.special import log_softmax

TOLERANCE = 1e-8  # largest gradient of the mean loss at which a fit ends
ITERATIONS = 10_000
_RANK = 1e-12  # eigenvalues below this share of the largest are rounding


@dataclass(frozen=True)
class Space:
    """Standardised features of some samples, turned into the space that they span.

    A penalty on the length of the weights does not change when features are rotated, and weights outside the span of
    the samples would only lengthen them (representer theorem; Kimeldorf & Wahba 1971, J Math Anal Appl 33:82-95). So
    the same probe is found in as many dimensions as there are samples, however many features there are.

    Parameters
    ----------
    mean, scale : ndarray (feature,)
        Of the samples; the scale of a constant feature is 1.
    basis : ndarray (feature, dimension), optional
        Orthonormal; None where there are fewer features than samples.
    coordinates : ndarray (sample, dimension)
    """

    mean: np.ndarray
    scale: np.ndarray
    basis: np.ndarray | None
    coordinates: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Space:
        """Make it from samples (sample, feature)."""
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler()
        standard = scaler.fit_transform(features)
        if standard.shape[1] <= standard.shape[0]:
            return cls(scaler.mean_, scaler.scale_, None, standard)
        values, vectors = eigh(standard @ standard.T)
        kept = values > values[-1] * _RANK
        kept[-1] = True
        root = np.sqrt(np.maximum(values[kept], np.finfo(float).tiny))
        basis = standard.T @ (vectors[:, kept] / root)
        return cls(scaler.mean_, scaler.scale_, basis, vectors[:, kept] * root)

    def project(self, features: np.ndarray) -> np.ndarray:
        """Turn other samples (sample, feature) into this space."""
        standard = (features - self.mean) / self.scale
        return standard if self.basis is None else standard @ self.basis

    def raw(self, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn weights (class, dimension) and biases of this space into those of raw features."""
        turned = (weight if self.basis is None else weight @ self.basis.T) / self.scale
        return turned, bias - turned @ self.mean


@dataclass(frozen=True)
class Model:
    """One fit.

    Parameters
    ----------
    weight : ndarray (class, dimension)
        Of two classes, the first has the weight 0 and the other that of the log odds.
    bias : ndarray (class,)
    converged : bool
    """

    weight: np.ndarray
    bias: np.ndarray
    converged: bool

    def log_probabilities(self, coordinates: np.ndarray) -> np.ndarray:
        """Give the log probability of each class (sample, class)."""
        return np.asarray(log_softmax(coordinates @ self.weight.T + self.bias, axis=1))


def path(coordinates: np.ndarray, codes: np.ndarray, penalties: Sequence[float]) -> Iterator[Model]:
    """Fit for several penalties, each from where the one before ended.

    Parameters
    ----------
    coordinates : ndarray (sample, dimension)
    codes : ndarray of int (sample,)
    penalties : sequence of float
        ``C`` of scikit-learn's `LogisticRegression`, ascending.

    Yields
    ------
    Model
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(class_weight="balanced", tol=TOLERANCE, max_iter=ITERATIONS, warm_start=True)
    for penalty in penalties:
        converged = _fit(fitted.set_params(C=penalty), coordinates, codes)
        weight, bias = fitted.coef_.copy(), fitted.intercept_.copy()
        if len(weight) == 1:
            weight, bias = np.vstack([np.zeros_like(weight), weight]), np.concatenate([[0.0], bias])
        yield Model(weight, bias, converged)


def _fit(model: object, coordinates: np.ndarray, codes: np.ndarray) -> bool:
    """Fit a model of scikit-learn, and say whether it converged."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(coordinates, codes)  # type: ignore[attr-defined]
    for warning in caught:
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn(warning.message, stacklevel=2)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
