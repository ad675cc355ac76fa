"""Minimising a norm over an orbit: geodesically convex, hence global, with a certificate.

Newton-CG in the symmetric part of the Lie algebra, re-centred at every step
(Kempf & Ness 1979; Buergisser et al., FOCS 2019). Second derivatives come from
the representation: ``d^2/dt^2 ||exp(tX).v||^2 = 4 ||d rho(X) v||^2``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from .._arrays import norm, scale_parameters
from .._errors import DomainError
from ..groups import GeneralLinear, PositiveRescaling, SymmetryGroup
from ._conditioning import Limits
from ._factors import chain_of
from ._landscape import LinearNorm
from ._sweeps import balance_matrices, balance_scales, imbalance

__all__ = ["ConvexResult", "Path", "minimize_norm"]

NEAR = 1.0  # log-scale within which sweeps are not worth their time
CG_STEPS = 500  # an inexact Newton step is good enough; a bound of the time it may take
BLOCK = 1 << 18  # entries at a time
TRUST = 4.0  # largest coordinate of a Newton step
SHORT = 1e-3  # part of a step beyond which there is nothing to gain before the end of the path


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
    converged : bool
        Whether the residual is below the tolerance.
    stopped : bool
        Whether a further element would be beyond what rounding bears, or beyond the radius.
    iterations : int
    """

    element: Any
    residual: float
    bound: float | None
    converged: bool
    stopped: bool
    iterations: int


@dataclass(frozen=True)
class Path:
    """Where a minimisation may go, and when it has gone far enough.

    Attributes
    ----------
    limits : Limits
    radius : float or None
        Largest distance of an element from the identity.
    floor : float or None
        ``log ||v||^2`` at or below which to stop, relative to the start.
    """

    limits: Limits
    radius: float | None = None
    floor: float | None = None

    def allows(self, group: SymmetryGroup, g: Any) -> bool:
        """Whether an element is within the radius and one that rounding bears."""
        if not self.limits.bears(group, g):
            return False
        return self.radius is None or group.distance(g) <= self.radius

    def ended(self, value: float) -> bool:
        """Whether the value is low enough."""
        return self.floor is not None and value <= self.floor


def minimize_norm(
    field: LinearNorm, tol: float, max_iterations: int, path: Path | None = None
) -> ConvexResult:
    """Minimise the norm of ``field`` over its whole orbit, or as far as the ``path`` goes."""
    group = field.group
    path = Path(Limits.of(field.given)) if path is None else path
    g = _start(field, tol, path)
    value, slope = field.relative(g)
    past: list[tuple[float, float]] = []
    iteration, stopped = 0, False
    for iteration in range(1, max_iterations + 1):  # noqa: B007 (reported)
        residual = float(np.linalg.norm(slope)) / 2
        past.append((value, residual))
        if residual <= tol or path.ended(value) or _stalled(past):
            break
        x = _newton_step(field, g, slope)
        x *= min(1.0, TRUST / max(float(np.max(np.abs(x))), 1e-300))
        t, improved = 1.0, False
        while t > 1e-12:
            ahead = _ahead(group, t * x, g)
            if ahead is None or not path.allows(group, ahead):
                stopped = True
                t *= 0.5
                continue
            new_value, new_slope = field.relative(ahead)
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
        if stopped and t < SHORT:
            break
    residual = float(np.linalg.norm(slope)) / 2
    bound = dual_bound(field, g, slope)
    return ConvexResult(g, residual, bound, residual <= tol, stopped, iteration)


def _start(field: LinearNorm, tol: float, path: Path) -> Any:
    """Return the element that closed forms and sweeps reach, where there are such."""
    group = field.group

    def bears(g: Any) -> bool:
        return path.allows(group, g)

    g = group.identity()
    if isinstance(group, PositiveRescaling) and imbalance(field) > NEAR:
        g = balance_scales(field)  # Newton's method alone is quicker near balance
    elif isinstance(group, GeneralLinear):
        g = balance_matrices(field, tol, chain_of(field), bears)
    return g if bears(g) else group.identity()


def _ahead(group: SymmetryGroup, x: np.ndarray, g: Any) -> Any:
    """Return ``exp(x) g``, ``None`` where it overflows."""
    try:
        ahead = group.compose(group.exp(x), g)
    except DomainError:
        return None
    return ahead


def _stalled(past: list[tuple[float, float]]) -> bool:
    """Whether the last four steps changed nothing that rounding resolves."""
    if len(past) < 5:
        return False
    (old, before), (new, now) = past[-5], past[-1]
    return old - new <= 1e-11 and now > before / 2


@dataclass(frozen=True)
class _Hessian:
    """Second derivative of ``||v||^2``: its products and its diagonal (or a scale of it)."""

    product: Callable[[np.ndarray], np.ndarray]
    diagonal: np.ndarray


def _hessian(field: LinearNorm, g: Any) -> _Hessian:
    """Return the second derivative of ``||v||^2 / ||v_g||^2`` at g.

    In general one generator and one adjoint a product. For a rescaling it is
    four times a weighted Laplacian with the squared entries as weights, set up
    once: then a product is one matrix-vector product an array.
    """
    group = field.group
    if isinstance(group, PositiveRescaling):
        shares = field.shares(g)
        laplacian = None if shares is None else _laplacian(group, shares)
        if laplacian is not None:
            return laplacian
    v = field.move(g)
    v = scale_parameters(1.0 / norm(v), v)

    def product(x: np.ndarray) -> np.ndarray:
        return 4 * group.generator_adjoint(v, group.generator(x, v))

    return _Hessian(product, np.ones(group.dim))


def _laplacian(group: PositiveRescaling, shares: Mapping[str, np.ndarray]) -> _Hessian | None:
    slots = group.slots
    starts = np.cumsum([0, *slots.sizes])
    degree = np.zeros(group.dim)
    moving: dict[str, list[tuple[slice, int, bool]]] = {}
    for i, name, axis, written in slots:
        own = slice(int(starts[i]), int(starts[i + 1]))
        moving.setdefault(name, []).append((own, axis, written))
    couplings = []
    for name, axes in moving.items():
        if len(axes) > 2:
            return None
        weights = shares[name]
        for own, axis, _ in axes:
            degree[own] += weights.sum(axis=tuple(a for a in range(weights.ndim) if a != axis))
        if len(axes) == 2:
            (a, axis_a, role_a), (b, axis_b, role_b) = axes
            weights = np.moveaxis(weights, (axis_a, axis_b), (0, 1))
            if weights.ndim > 2:
                weights = weights.sum(axis=tuple(range(2, weights.ndim)))
            couplings.append((a, b, weights, 1.0 if role_a == role_b else -1.0))

    def product(x: np.ndarray) -> np.ndarray:
        y = degree * x
        for a, b, weights, sign in couplings:
            y[a] += sign * (weights @ x[b])
            y[b] += sign * (weights.T @ x[a])
        return 4 * y

    return _Hessian(product, 4 * degree)


def _newton_step(field: LinearNorm, g: Any, slope: np.ndarray) -> np.ndarray:
    """Solve for the Newton direction of ``log ||v||^2`` by conjugate gradients."""
    hessian = _hessian(field, g)
    size = float(np.linalg.norm(slope))
    shift = 1e-3 * min(1.0, size) * size  # regularises flat directions, vanishes quadratically

    def product(d: np.ndarray) -> np.ndarray:
        d = d.ravel()
        return hessian.product(d) - slope * float(slope @ d) + shift * d

    x = _solve_cg(product, -slope, hessian.diagonal, min(0.1, np.sqrt(size)))
    if not np.all(np.isfinite(x)) or not float(slope @ x) < 0:  # rounding in flat directions
        x = -slope / np.maximum(hessian.diagonal, 1e-2)
    return x


def _solve_cg(
    product: Callable[[np.ndarray], np.ndarray], b: np.ndarray, diagonal: np.ndarray, rtol: float
) -> np.ndarray:
    """Solve by SciPy's conjugate gradients with a diagonal preconditioner."""
    n = len(b)
    inverse = 1.0 / np.maximum(diagonal, 1e-12 * max(float(diagonal.max()), 1e-300))
    x, _ = cg(
        LinearOperator((n, n), matvec=product, dtype=np.float64),
        b,
        rtol=rtol,
        maxiter=min(4 * n + 10, CG_STEPS),
        M=LinearOperator((n, n), matvec=lambda d: inverse * d.ravel(), dtype=np.float64),
    )
    return x


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
    shares = field.shares(g)
    if shares is None:
        return None
    hessian = _laplacian(group, shares) or _hessian(field, g)
    # what the solve leaves, 1e-6 of a slope that is itself small, is below rounding
    d = _solve_cg(lambda x: hessian.product(x.ravel()), slope, hessian.diagonal, 1e-6)
    sign = -2.0 if field.dual else 2.0
    total, divergence = 0.0, 0.0
    for name, share in shares.items():
        for entries, rates in _rated(group, name, share, d):
            live = entries != 0
            factor = 1.0 - sign * np.broadcast_to(rates, live.shape)[live]
            if np.any(factor < 0):
                return None  # not balanced enough for a proof
            q = entries[live] * factor
            total += float(q.sum())
            logs = np.log(np.maximum(factor, 1e-300))
            divergence += float(np.sum(np.where(q > 0, q * logs, 0.0)))
    if not total > 0:
        return None
    return field.relative(g)[0] - (divergence / total - float(np.log(total)))


def _rated(
    group: PositiveRescaling, name: str, array: np.ndarray, x: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of an array with the rates at which ``exp(tx)`` scales their entries."""
    starts = np.cumsum([0, *group.slots.sizes])
    factors = []
    for i, other, axis, written in group.slots:
        if other == name:
            own = x[starts[i] : starts[i + 1]]
            shape = [-1 if a == axis else 1 for a in range(array.ndim)]
            factors.append((own if written else -own).reshape(shape))
    rows = max(1, BLOCK // max(1, array[0].size))
    for start in range(0, len(array), rows):
        block = slice(start, start + rows)
        rates = np.zeros((1,) * array.ndim)
        for f in factors:
            rates = rates + (f[block] if len(f) > 1 else f)
        yield array[block], rates
