r"""Quadratic forms on a spherical cap: the global optimum, by its secular equation.

In coordinates where the form is diagonal with entries ``a_1 <= ... <= a_n``, and with the
cap's centre a unit vector q, the largest ``s^T a s`` over unit s with ``q . s >= c > 0`` has the
Lagrange dual

.. math:: D(\mu) = \mu - c^2 / \varphi(\mu), \qquad
    \varphi(\mu) = \sum_i q_i^2 / (\mu - a_i), \qquad \mu > a_n,

an upper bound at every mu. Its least value is reached at
``s_i ~ q_i / (mu - a_i)`` with ``q . s = c``: there is no gap, as for every trust-region
problem (Moré & Sorensen 1983). Where q has no part along the largest entries (the hard case)
s is filled up along one of them.

References
----------
[MS83] Moré & Sorensen, *Computing a trust region step*, SIAM Journal on Scientific and
Statistical Computing 4(3), 1983.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CapPoint", "best_on_cap", "dual"]

DEEP = 300.0  # logarithm of how far below all gaps a distance counts as zero


@dataclass(frozen=True)
class CapPoint:
    """Where the form is largest on the cap.

    Attributes
    ----------
    across : array (n,)
        Unit vector orthogonal to the centre q: the point is ``cos(angle) q + sin(angle) across``.
    angle : float
    inside : bool
        Whether an eigenvector of the largest entry lies within the cap: nothing is larger.
    distance : float
        Of the dual's mu above all values; zero in the hard case, infinite inside.
    """

    across: np.ndarray
    angle: float
    inside: bool
    distance: float


def best_on_cap(values: np.ndarray, q: np.ndarray, radius: float, rounding: float) -> CapPoint:
    """Maximise ``s^T diag(values) s`` over unit s at an angle of at most ``radius`` from q.

    Parameters
    ----------
    values : array (n,)
        In increasing order.
    q : array (n,)
        Unit vector.
    radius : float
        Angle > 0, infinity for the whole sphere.
    rounding : float
        Values closer together than this are the same number.

    Returns
    -------
    CapPoint
    """
    gaps = values[-1] - values
    gaps[gaps <= rounding] = 0.0
    top = np.where(gaps == 0.0, q, 0.0)
    length = float(np.linalg.norm(top))
    if not length > 0:  # orthogonal to all of them: a right angle from each
        top[-1], length = 1.0, 1.0
        cosine = 0.0
    else:
        cosine = min(length, 1.0)
    across = top / length - cosine * q
    angle = float(np.arctan2(np.linalg.norm(across), cosine))
    if angle <= radius:
        return CapPoint(_unit(across, q), angle, True, np.inf)
    return _on_rim(gaps, q, radius)


def dual(values: np.ndarray, q: np.ndarray, radius: float, distance: float) -> float:
    """Return the bound ``D(mu)`` for a cap of ``radius`` < pi/2, mu ``distance`` > 0 above all.

    Written as ``a_n + delta (sin^2 - mean b) / mean h`` with ``b = gap / (delta + gap)`` and
    ``h = 1 - b``: as it stands above, everything cancels for small caps.
    """
    gaps, weights = values[-1] - values, q * q / float(q @ q)
    rest = distance * np.sin(radius) ** 2 - float(weights @ _parallel(gaps, distance))
    return float(values[-1] + rest / float(weights @ (distance / (distance + gaps))))


def _parallel(a: np.ndarray, b: float) -> np.ndarray:
    return a * (b / (a + b))


def _on_rim(gaps: np.ndarray, q: np.ndarray, radius: float) -> CapPoint:
    """Solve ``tan(angle of s(mu)) = tan(radius)`` for the distance of mu above all values."""
    weights = q * q / float(q @ q)
    spread = float(gaps.max())
    wanted = float(np.tan(radius))

    def tangent(distance: float) -> tuple[float, np.ndarray]:
        stays = distance / (distance + gaps)  # s_i = q_i stays_i
        mean = float(weights @ stays)
        if distance < spread:
            shift = stays - mean
        else:  # close to one: what is missing there is known better
            fall = gaps / (distance + gaps)
            shift = float(weights @ fall) - fall
        return float(np.sqrt(weights @ shift**2)) / mean, shift

    low = float(np.log(spread)) - DEEP
    high = float(np.log(spread) - np.log(min(radius, 1.0))) + 2.0
    if tangent(float(np.exp(low)))[0] < wanted:
        return _hard_case(gaps, q, radius)
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            break
        above = tangent(float(np.exp(middle)))[0] > wanted
        low, high = (middle, high) if above else (low, middle)
    distance = float(np.exp(high))
    return CapPoint(_unit(q * tangent(distance)[1], q), radius, False, distance)


def _hard_case(gaps: np.ndarray, q: np.ndarray, radius: float) -> CapPoint:
    """Fill up along the last axis, which q is orthogonal to, as far as the rim."""
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.where(gaps > 0, q / gaps, 0.0)
    along = float(q @ s)
    rest = s - along * q
    # |rest|^2 + fill^2 = (tan(radius) along)^2
    missing = (np.tan(radius) * along) ** 2 - float(rest @ rest)
    rest[-1] += np.sqrt(max(missing, 0.0))
    return CapPoint(_unit(rest, q), radius, False, 0.0)


def _unit(vector: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the part of a vector orthogonal to the unit q, of length one; zero if it is none."""
    size = float(np.max(np.abs(vector), initial=0.0))
    if not size > 0:
        return np.zeros_like(vector)
    vector = vector / size
    for _ in range(2):
        vector = vector - float(q @ vector) * q
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.zeros_like(vector)
