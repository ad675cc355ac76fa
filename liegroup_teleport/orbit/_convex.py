"""Minimising a norm over an orbit: geodesically convex, hence global, with a certificate.

Newton-CG in the symmetric part of the Lie algebra, re-centred at every step
(Kempf & Ness 1979; Buergisser et al., FOCS 2019). Second derivatives come from
the representation: ``d^2/dt^2 ||exp(tX).v||^2 = 4 ||d rho(X) v||^2``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import Parameters, norm, scale_parameters
from .._errors import DomainError
from ..groups import PositiveRescaling
from ..groups._hidden import gram
from ._attained import is_attained, smallest_share
from ._landscape import LinearNorm

__all__ = ["ConvexResult", "minimize_norm"]

NEAR = 1.0  # log-scale within which sweeps are not worth their time
TRUST = 4.0  # largest coordinate of a Newton step


@dataclass(frozen=True)
class ConvexResult:
    """Where the minimisation ended.

    Attributes
    ----------
    element : group element
    residual : float
        Kempf-Ness residual ``||mu(v)|| / ||v||^2``, zero exactly at the minimum.
    bound : float or None
        Proved lower bound on ``log ||v||^2`` over the whole orbit, relative to the start.
    converged, attained : bool
    iterations : int
    """

    element: Any
    residual: float
    bound: float | None
    converged: bool
    attained: bool
    iterations: int


def minimize_norm(field: LinearNorm, tol: float, max_iterations: int) -> ConvexResult:
    """Minimise the norm of ``field`` over its whole orbit."""
    group = field.group
    g, attained = group.identity(), None
    if isinstance(group, PositiveRescaling):
        attained = is_attained(group, field.vector)
        if _imbalance(field) > NEAR:  # Newton's method alone is quicker near balance
            g = _balance(field)
    value, slope = field.relative(g)
    iteration = 0
    for iteration in range(1, max_iterations + 1):  # noqa: B007 (reported)
        residual = float(np.linalg.norm(slope)) / 2
        if residual <= tol:
            break
        x = _newton_step(field, g, slope)
        x *= min(1.0, TRUST / max(float(np.max(np.abs(x))), 1e-300))
        t, improved = 1.0, False
        while t > 1e-12:
            try:
                ahead = group.compose(group.exp(t * x), g)
                new_value, new_slope = field.relative(ahead)
            except DomainError:
                new_value = np.inf
            flat = np.isfinite(new_value) and float(np.linalg.norm(new_slope)) < 2 * residual * (
                1 - 1e-3
            )
            small = abs(new_value - value) <= 1e-13  # below what the value can resolve
            if new_value <= value + 1e-4 * t * float(slope @ x) or (small and flat):
                improved = True
                break
            t *= 0.5
        if not improved:
            break
        g, value, slope = ahead, new_value, new_slope
    residual = float(np.linalg.norm(slope)) / 2
    if attained is None:
        attained = smallest_share(group, field.move(g)) > 10 * residual
    return ConvexResult(
        g, residual, dual_bound(field, g, slope), residual <= tol, attained, iteration
    )


def _hessian(field: LinearNorm, v: Parameters) -> Callable[[np.ndarray], np.ndarray]:
    """Return the second derivative of ``||v||^2`` as products with algebra vectors.

    In general one generator and one adjoint a product. For a rescaling it is
    four times a weighted Laplacian with the squared entries as weights, set up
    once: then a product is one matrix-vector product an array.
    """
    group = field.group
    if isinstance(group, PositiveRescaling):
        laplacian = _laplacian(group, v)
        if laplacian is not None:
            return laplacian

    def product(x: np.ndarray) -> np.ndarray:
        return 4 * group.generator_adjoint(v, group.generator(x, v))

    return product


def _laplacian(
    group: PositiveRescaling, v: Parameters
) -> Callable[[np.ndarray], np.ndarray] | None:
    slots = group.slots
    starts = np.cumsum([0, *slots.sizes])
    degree = np.zeros(group.dim)
    moving: dict[str, list[tuple[slice, int, bool]]] = {}
    for i, name, axis, written in slots:
        own = slice(int(starts[i]), int(starts[i + 1]))
        moving.setdefault(name, []).append((own, axis, written))
        others = tuple(a for a in range(v[name].ndim) if a != axis)
        degree[own] += np.square(v[name]).sum(axis=others)
    couplings = []
    for name, axes in moving.items():
        if len(axes) > 2:
            return None
        if len(axes) == 2:
            (a, axis_a, role_a), (b, axis_b, role_b) = axes
            weights = np.moveaxis(np.square(v[name]), (axis_a, axis_b), (0, 1))
            weights = weights.reshape(*weights.shape[:2], -1).sum(axis=2)
            couplings.append((a, b, weights if role_a == role_b else -weights))

    def product(x: np.ndarray) -> np.ndarray:
        y = degree * x
        for a, b, weights in couplings:
            y[a] += weights @ x[b]
            y[b] += weights.T @ x[a]
        return 4 * y

    return product


def _newton_step(field: LinearNorm, g: Any, slope: np.ndarray) -> np.ndarray:
    """Solve for the Newton direction of ``log ||v||^2`` by conjugate gradients."""
    v = field.move(g)
    v = scale_parameters(1.0 / norm(v), v)
    hessian = _hessian(field, v)
    size = float(np.linalg.norm(slope))
    shift = 1e-3 * min(1.0, size) * size  # regularises flat directions, vanishes quadratically
    x = np.zeros_like(slope)
    r = -slope
    d, rr = r.copy(), float(r @ r)
    goal = min(0.1, np.sqrt(size)) * size
    for _ in range(4 * len(slope) + 10):
        Bd = hessian(d) - slope * float(slope @ d) + shift * d
        curvature = float(d @ Bd)
        if not curvature > 1e-14 * float(d @ d):
            return x if x.any() else d / max(curvature / float(d @ d), 1e-2)
        alpha = rr / curvature
        x = x + alpha * d
        r = r - alpha * Bd
        new = float(r @ r)
        if np.sqrt(new) <= goal:
            return x
        d, rr = r + (new / rr) * d, new
    return x


def _imbalance(field: LinearNorm) -> float:
    """Return the largest log-scale that one unit would need to be balanced by itself."""
    group = field.group
    totals = {True: np.zeros(group.dim), False: np.zeros(group.dim)}
    slots = group.slots  # type: ignore[attr-defined]
    starts = np.cumsum([0, *slots.sizes])
    for i, name, axis, written in slots:
        own = slice(int(starts[i]), int(starts[i + 1]))
        totals[written][own] += gram(field.vector[name], field.vector[name], axis, diagonal=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(totals[True] / totals[False]) / 4
    live = (totals[True] > 0) & (totals[False] > 0)
    return float(np.max(np.abs(logs[live]), initial=0.0))


def _balance(field: LinearNorm, sweeps: int = 20) -> np.ndarray:
    """Osborne's sweeps in log space: exact minimisation over one index at a time.

    They bring scales that are apart by many orders of magnitude to where
    Newton's method works, with no square that could overflow.
    """
    group = field.group
    slots = group.slots  # type: ignore[attr-defined]
    starts = np.cumsum([0, *slots.sizes])
    with np.errstate(divide="ignore"):
        logs = {name: 2 * np.log(np.abs(a)) for name, a in field.vector.items()}
    y = np.zeros(group.dim)  # logarithms of the squared scales
    sign = -1.0 if field.dual else 1.0
    order = range(len(slots.sizes))
    for sweep in range(sweeps):
        before = y.copy()
        # forth and back: along a chain one sweep carries scales from end to end
        for i in order if sweep % 2 == 0 else reversed(order):
            up = np.full(slots.sizes[i], -np.inf)
            down = up.copy()
            for j, name, axis, written in slots:
                if j != i:
                    continue
                total = logs[name]
                for k, other, other_axis, other_written in slots:
                    if other == name and k != i:
                        shape = [1] * total.ndim
                        shape[other_axis] = -1
                        way = sign if other_written else -sign
                        total = total + way * y[starts[k] : starts[k + 1]].reshape(shape)
                rest = tuple(a for a in range(total.ndim) if a != axis)
                part = np.logaddexp.reduce(total, axis=rest) if rest else total
                if (sign > 0) == written:
                    up = np.logaddexp(up, part)
                else:
                    down = np.logaddexp(down, part)
            live = np.isfinite(up) & np.isfinite(down)
            y[starts[i] : starts[i + 1]][live] = (down[live] - up[live]) / 2
        if np.max(np.abs(y - before)) < 1e-2:
            break
    return np.exp(np.clip(y / 2, -600, 600))


def dual_bound(field: LinearNorm, g: Any, slope: np.ndarray) -> float | None:
    """Return a lower bound on ``log ||v||^2`` over the whole orbit of a rescaling.

    With weights ``p_k`` (the squared entries, summing to one) the objective is a
    log-sum-exp, and ``log ||v||^2 - sum q_k log(q_k/p_k)`` bounds it from below
    for every distribution q that balances; q is p corrected by one exact Newton
    solve, feasible once p is nearly balanced.
    """
    group = field.group
    if not isinstance(group, PositiveRescaling):
        return None
    v = field.move(g)
    length = norm(v)
    if not length > 0:
        return None
    v = scale_parameters(1.0 / length, v)
    hessian = _hessian(field, v)
    d = np.zeros_like(slope)
    r = slope.copy()
    direction, rr = r.copy(), float(r @ r)
    for _ in range(2 * len(slope) + 20):
        if np.sqrt(rr) <= 1e-14:
            break
        Bd = hessian(direction)
        curvature = float(direction @ Bd)
        if not curvature > 0:
            break
        alpha = rr / curvature
        d, r = d + alpha * direction, r - alpha * Bd
        new = float(r @ r)
        direction, rr = r + (new / rr) * direction, new
    sign = -2.0 if field.dual else 2.0
    moved = group.generator(d, v)
    total, divergence = 0.0, 0.0
    for name, a in v.items():
        live = a != 0
        factor = 1.0 - sign * moved[name][live] / a[live]
        if np.any(factor < 0):
            return None  # not balanced enough for a proof
        p = a[live] ** 2
        q = p * factor
        total += float(q.sum())
        divergence += float(np.sum(np.where(q > 0, q * np.log(np.maximum(factor, 1e-300)), 0.0)))
    if not total > 0:
        return None
    return 2 * float(np.log(length)) - (divergence / total - float(np.log(total)))
