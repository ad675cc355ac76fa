"""Data, networks and measures of the studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._errors import DomainError
from ..losses import MLP
from ..orbit import Objective, OrbitCurvature, PerturbedLoss, Sharpness, landscape
from ..orbit._flatness import curvature
from ._digits_data import load, split

__all__ = ["DATASETS", "HIDDEN", "MEASURES", "batches", "column", "ends", "measures", "problem"]

DATASETS = ("digits", "breast cancer")
HIDDEN = (16, 10)  # the papers' hidden widths
MEASURES = ("phi", "increase", "psi", "psi_batch", "trace")

# The radii that the follow-up paper's code uses on MNIST.
PHI = PerturbedLoss(tuple(0.001 + 0.01 * k for k in range(20)), directions=20)
INCREASE = PerturbedLoss((1.0,), directions=100)
PSI = OrbitCurvature(directions=200)
TRACE = Sharpness(probes=128)
# Below every width, so that the data-dependent action is exact on them.
BATCHES, BATCH = 50, 8
STEP = 1e-5  # of the second difference


def problem(dataset: str, seed: int, hidden: Sequence[int]) -> tuple[MLP, MLP]:
    """Return the losses on the training part and on the validation part, a fifth, of a split.

    The features of ``breast cancer`` are standardised by the training part.
    """
    if dataset == "digits":
        parts = split(*load("digits"), seed)
    elif dataset == "breast cancer":
        from sklearn.datasets import load_breast_cancer

        bunch = load_breast_cancer()
        X, y = np.asarray(bunch.data), np.asarray(bunch.target, dtype=np.int64)
        train, train_y, valid, valid_y = split(X, y, seed)
        mean, deviation = train.mean(axis=0), train.std(axis=0)
        parts = (train - mean) / deviation, train_y, (valid - mean) / deviation, valid_y
    else:
        raise ValueError(f"unknown data set {dataset!r}; expected one of {', '.join(DATASETS)}")
    X, y, valid_X, valid_y = parts
    widths = [X.shape[1], *hidden, int(max(y.max(), valid_y.max())) + 1]

    def network(X: np.ndarray, y: np.ndarray) -> MLP:
        return MLP(widths, activation="leaky_relu", inputs=X, targets=y, loss="cross_entropy")

    return network(X, y), network(valid_X, valid_y)


def batches(samples: int, size: int, epochs: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the index arrays of all steps: every sample once an epoch, in a new order."""
    cuts = range(size, samples, size)
    return [part for _ in range(epochs) for part in np.split(rng.permutation(samples), cuts)]


def ends(loss: MLP, validation: MLP, w: Mapping[str, Any]) -> dict[str, float]:
    """Return training loss, validation loss and validation error rate at ``w``."""
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged run is a result
        wrong = np.argmax(validation.forward(w), axis=1) != validation.targets
        return {
            "training_loss": loss.value(w),
            "validation_loss": validation.value(w),
            "validation_error": float(np.mean(wrong)),
        }


def measures(loss: MLP, w: Mapping[str, Any], names: Sequence[str] = MEASURES) -> dict[str, float]:
    """Return the named ones of ``MEASURES`` at ``w``, on the training set.

    ``phi``: mean loss at random distances of 0.001 to 0.191 (the published
    definition); ``increase``: mean loss at distance 1, less the loss; ``psi``: mean
    curvature of orbits of rescalings; ``psi_batch``: median curvature of those of the
    data-dependent action on small batches, the curves of the paper; ``trace``: of
    the Gauss-Newton matrix (Nystrom's approximation from 128 products).
    """
    value, gradient = loss.value_and_gradient(w)
    group = loss.symmetry()

    def at(objective: Objective) -> float:
        return landscape(loss, group, objective, w, gradient).value(group.identity())

    ways: dict[str, Callable[[], float]] = {
        "phi": lambda: at(PHI),
        "increase": lambda: at(INCREASE) - value,
        "psi": lambda: at(PSI),
        "psi_batch": lambda: batch_curvature(loss, w),
        "trace": lambda: at(TRACE),
    }
    return {name: ways[name]() for name in names}


def batch_curvature(loss: MLP, w: Mapping[str, Any]) -> float:
    """Return the median curvature of ``exp(tM).w`` for the data-dependent action.

    One random batch and unit M for each curve; the first derivative is the
    generator, the second a difference. Batches on which the action is not defined
    (rank-deficient hidden states) are left out. The median, since a curve that
    happens to pass a kink of the activation has no curvature there.
    """
    rng = np.random.default_rng(0)
    values = []
    for _ in range(BATCHES):
        batch = loss.batch(rng.choice(len(loss.targets), BATCH, replace=False))
        group = batch.batch_symmetry()
        M = rng.standard_normal(group.dim)
        M /= np.linalg.norm(M)
        try:
            there, back = (group.act(group.exp(t * M), w) for t in (STEP, -STEP))
            first = group.generator(M, w)
        except DomainError:
            continue
        second = {name: (there[name] - 2 * w[name] + back[name]) / STEP**2 for name in w}
        values.append(curvature(first, second))
    return float(np.median(values)) if values else float("nan")


def column(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """Return one entry of all rows; what is missing is NaN."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
