"""Whether what was found holds where nothing was asked yet, and under finite motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from .._errors import DomainError
from ._equations import Equations
from ._spectrum import MARGIN, noise_level

__all__ = ["Check", "finite_drift", "refuted"]

JITTER = 0.1  # relative, of points next to known ones
LENGTHS = (0.5, 0.05, 0.005)  # of motions, in units of the parameters; shorter ones if need be
SPARE = 5  # equations more than generators
ALLOWED = 1e3  # relative change under finite motion, in units of the noise


@dataclass(frozen=True)
class Check:
    """Which combinations of candidates hold (d', d), and which are unclear; their violation."""

    keep: np.ndarray
    unclear: int
    violation: float
    level: float


def moved(
    equations: Equations, generator: np.ndarray, y: np.ndarray, length: float
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return ``exp(t X) y``, and how derivatives move with it: rows times ``exp(-t X)``.

    t is such that X has the given length in units of the parameters.
    """
    n = len(y)
    if equations.ansatz == "diagonal":
        scales = np.exp(generator * (length / np.max(np.abs(generator))))
        return scales * y, lambda J: J / scales
    units = equations.sizes
    z = y / units
    if equations.ansatz == "affine":
        units, z = np.append(units, 1.0), np.append(z, 1.0)
    X = generator * units / units[:, None]
    X = X / np.max(np.abs(X))
    X = X * (length / np.linalg.norm(X))
    inverse = scipy.linalg.expm(-X)[:n, :n]
    place = (scipy.linalg.expm(X) @ z)[:n] * units[:n]
    return place, lambda J: (J * units[:n]) @ inverse / units[:n]


def refuted(
    equations: Equations,
    vectors: np.ndarray,
    places: list[np.ndarray],
    error: float,
    rng: np.random.Generator,
) -> Check:
    """Look for combinations of candidates that are no symmetries at points not seen before.

    The points are fresh ones, ones next to known ones (the samples may lie on a surface where
    more holds than elsewhere), and ones that the candidates themselves move known ones to.

    Parameters
    ----------
    equations : Equations
    vectors : array (d, columns)
        Orthonormal candidates, in the units of the equations.
    places : list of array (n,)
        Known points.
    error : float
        Of the vectors.
    rng : numpy.random.Generator
    """
    d = len(vectors)
    wanted = d + SPARE
    generators = equations.generators(vectors * equations.weights)
    fresh = equations.field.points.fresh(wanted)
    base = fresh or places
    rows: list[np.ndarray] = []
    for k in range(wanted):
        y = base[k % len(base)]
        combination = np.tensordot(rng.standard_normal(d), generators, 1)
        near = y * (1 + JITTER * rng.standard_normal(len(y)))
        rows += [_equations_at(equations, place) for place in (y, near)]
        rows.append(_after_motion(equations, combination, y))
    A = np.concatenate(rows)
    if not len(A):
        return Check(np.eye(d), d, 0.0, 1.0)
    level = noise_level(len(A), d)
    level += error * float(np.linalg.norm(A, 2))
    _, values, Vh = np.linalg.svd(A @ vectors.T, full_matrices=True)
    values = np.append(values, np.zeros(d - len(values)))
    unclear = (values > level) & (values <= MARGIN * level)
    return Check(
        Vh[values <= MARGIN * level], int(np.sum(unclear)), float(np.max(values)), level
    )  # fmt: skip


def _equations_at(equations: Equations, y: np.ndarray) -> np.ndarray:
    """Return the equations at a point, none where the gradient is not finite."""
    try:
        J = equations.field.rows(y)
    except DomainError:
        return np.zeros((0, equations.columns))
    return equations.at(J, y)


def _after_motion(equations: Equations, generator: np.ndarray, y: np.ndarray) -> np.ndarray:
    for length in LENGTHS:
        place, _ = moved(equations, generator, y, length)
        if np.all(np.isfinite(place)) and len(rows := _equations_at(equations, place)):
            return rows
    return np.zeros((0, equations.columns))


def finite_drift(
    equations: Equations,
    generators: np.ndarray,
    places: list[np.ndarray],
    value: Callable[[np.ndarray], float] | None,
) -> np.ndarray:
    """Return what changes along each generator by finite motion, over what rounding allows.

    That is the loss, where its values are known. Otherwise the derivatives: at ``exp(X) w`` they
    must be those at ``w`` times ``exp(-X)``.

    Parameters
    ----------
    equations : Equations
    generators : array (d, ...)
    places : list of array (n,)
        Where each generator moves from, both ways.
    value : callable or None
        The loss of a flat point.

    Returns
    -------
    array (d,)
        Zero where no motion stays where the loss is defined.
    """
    worst = np.zeros(len(generators))
    for k, X in enumerate(generators):
        for i, y in enumerate(places):
            way = 1.0 if i % 2 == 0 else -1.0
            for length in LENGTHS:
                try:
                    ratio = _change(equations, X, y, way * length, value)
                except DomainError:
                    continue
                worst[k] = max(worst[k], ratio)
                break
    return worst


def _change(
    equations: Equations,
    X: np.ndarray,
    y: np.ndarray,
    length: float,
    value: Callable[[np.ndarray], float] | None,
) -> float:
    """Return the change of the loss, or of the derivatives, over what is allowed."""
    place, transported = moved(equations, X, y, length)
    if not np.all(np.isfinite(place)):
        raise DomainError("the motion leaves the range of floating point")
    before = equations.field.rows(y, compress=False)
    tol = ALLOWED * float(np.max(equations.noise))
    if value is not None:
        # what errors of the generator and of the point make of the loss
        first, second = value(y), value(place)
        slope = float(np.sum(np.abs(before) * equations.sizes)) * len(y)
        return abs(second - first) / max(tol * (abs(first) + slope), np.finfo(float).tiny)
    after = equations.field.rows(place, compress=False)
    expected = transported(before)
    difference = np.abs(after - expected) / equations.slopes
    size = (np.abs(after) + np.abs(expected)) / equations.slopes
    return float(np.max(difference)) / max(tol * float(np.max(size)), np.finfo(float).tiny)
