"""Maximum of the gradient norm of hidden states within a radius, by stretches of low rank.

``f(exp(x))`` over symmetric x, ``||x|| <= R``, by full Frank-Wolfe steps ``x <- R s/||s||``,
``s`` the leading part of the slope at x. For a linear activation ``log f`` is geodesically
convex and each such step ascends; elsewhere the steps end where one does not. Every point is
its own geodesic from the identity, so its distance is ``||x||``: nothing has to be drawn back.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .._errors import DomainError
from ._hidden_states import Evaluation, Factors, HiddenStates, dense
from ._stretch import Stretch

__all__ = ["Climb", "climb"]

RANK = 4  # directions per index
BLOCK, ROUNDS = 6, 2  # of the subspace iteration for the leading ones
SHORTEST = 1e-6  # first step


@dataclass(frozen=True)
class Climb:
    """Where the full steps ended.

    Attributes
    ----------
    places : list of Stretch
    gains : list of float
        Gain of ``log f`` at each accepted step.
    radius : float
        The distance of the last place: smaller than asked for where that lay beyond the
        action's domain or lower than the start.
    residual : float
        Norm of the slope of ``log f`` in all symmetric directions, less its part out of the
        ball; infinite where it was not computed.
    evaluations : int
    ended : bool
        Whether a further step does not gain, rather than the evaluations being used up.
    """

    places: list[Stretch]
    gains: list[float]
    radius: float
    residual: float
    evaluations: int
    ended: bool


def climb(
    batch: HiddenStates,
    start: list[Stretch],
    *,
    radius: float,
    least: float,
    max_evaluations: int,
    rng: np.random.Generator,
) -> Climb:
    """Ascend from the identity by full steps, as long as one gains more than ``least``.

    A first step that gains nothing is halved until it does, and its length is kept from then on.
    """
    places, at = start, batch.evaluate(start)
    blocks = [rng.standard_normal((len(p.directions), BLOCK)) for p in places]
    gains: list[float] = []
    evaluations, length, ended = 1, radius, False
    while not ended and evaluations < max_evaluations:
        slopes = [pulled_back(p, M) for p, M in zip(places, batch.slope(places, at), strict=True)]
        best = [leading(S, V) for S, V in zip(slopes, blocks, strict=True)]
        blocks = [V for _, V in best]
        size = float(np.sqrt(sum(np.sum(e[:RANK] ** 2) for e, _ in best)))
        if not size > 0:
            break
        ahead = [Stretch(V[:, :RANK], e[:RANK] * (length / size)) for e, V in best]
        while True:
            gain, further = _try(batch, ahead, at.value)
            evaluations += 1
            if further is not None and gain > least:
                places, at = ahead, further
                gains.append(gain)
                break
            ended = bool(gains) or length < SHORTEST
            if ended or evaluations >= max_evaluations:
                break
            length /= 2
            ahead = [Stretch(p.directions, p.logs / 2) for p in ahead]
    residual = _residual(places, slopes) / at.value if ended else np.inf
    return Climb(places, gains, length if gains else 0.0, residual, evaluations, ended)


def _try(
    batch: HiddenStates, places: Sequence[Stretch], value: float
) -> tuple[float, Evaluation | None]:
    """Return the gain over ``value`` and the evaluation, ``None`` beyond the action's domain."""
    try:
        at = batch.evaluate(places)
    except DomainError:
        return -np.inf, None
    if not 0 < at.value < np.inf:
        return -np.inf, None
    return float(np.log(at.value / value)), at


def _residual(places: Sequence[Stretch], slopes: Sequence[Factors]) -> float:
    """Return the norm of the slope's symmetric part without its part out of the ball."""
    pairs = list(zip(places, slopes, strict=True))
    outward = sum(
        float(np.vdot(A.T @ (p.directions * p.logs), B.T @ p.directions))
        for p, factors in pairs
        for A, B in factors
    )
    length = sum(float(np.vdot(p.logs, p.logs)) for p in places)
    along = max(outward, 0.0) / length if length > 0 else 0.0
    square = 0.0
    for p, factors in pairs:
        dtype = factors[0][0].dtype
        radial = (-along * p.directions * p.logs).astype(dtype), p.directions.astype(dtype)
        M = dense([*factors, radial])
        square += float(np.vdot(M, M) + np.vdot(M, M.T)) / 2
    return float(np.sqrt(max(square, 0.0)))


def pulled_back(p: Stretch, slope: Factors) -> Factors:
    """Return the slope at ``exp(X)`` as one in X, up to its antisymmetric part.

    In the eigenbasis of X entry ``(i, j)`` takes the factor ``phi(x_i - x_j)``,
    ``phi(t) = (e^t - 1)/t`` (Daleckii-Krein). Off the few directions X is zero and the factor 1:
    the change has low rank.
    """
    if not p.logs.size:
        return slope
    Q, x = (a.astype(slope[0][0].dtype) for a in (p.directions, p.logs))
    right = _sum(A @ (B.T @ Q) for A, B in slope)
    left = _sum(B @ (A.T @ Q) for A, B in slope)
    core = Q.T @ right
    change = (right - Q @ core) * (_phi(-x) - 1) + (left - Q @ core.T) * (_phi(x) - 1)
    change += Q @ ((_phi(x[:, None] - x[None, :]) - 1) * core)
    return [*slope, (change, Q)]


def _phi(t: np.ndarray) -> np.ndarray:
    near = np.abs(t) < 1e-4
    safe = np.where(near, 1.0, t)
    return np.where(near, 1 + t / 2 + t * t / 6, np.expm1(safe) / safe)


def _sum(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return functools.reduce(np.add, arrays)


def leading(slope: Factors, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Ritz values and vectors of the slope's symmetric part, the largest in size first.

    ``block`` is where the subspace iteration starts. The vectors are orthonormal in float64.
    """

    def product(V: np.ndarray) -> np.ndarray:
        return _sum(A @ (B.T @ V) + B @ (A.T @ V) for A, B in slope) / 2

    block = block.astype(slope[0][0].dtype)
    for _ in range(ROUNDS):
        block = np.linalg.qr(product(block))[0]
    values, vectors = np.linalg.eigh(block.T @ product(block))
    order = np.argsort(-np.abs(values))
    Q = np.linalg.qr((block @ vectors[:, order]).astype(np.float64))[0]
    return values[order].astype(np.float64), Q
