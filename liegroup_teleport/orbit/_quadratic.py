"""Quadratics: the best point of a level set, or of a cap of it, and what is proved of it.

On the ellipsoid ``t^T A t = 1`` the gradient norm ``t^T A^2 t`` is extreme at the eigenvectors
of A. A dense matrix of moderate size is diagonalised: the optimum within an angle is then a
quadratic form on a spherical cap, solved globally. Otherwise Lanczos finds an eigenvector and
an inertia proves it, or nothing does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from .._errors import DomainError
from ..groups import QuadraticOrthogonal
from ..losses import Quadratic
from ..losses._definite import gamma, greatest_below, least_above
from ._cap import best_on_cap, dual

__all__ = ["Turn", "turn"]

FULL = 400  # rows of a matrix that is diagonalised
OPERATOR = 64  # rows of an operator that is written out
RESTARTS = 60  # of Lanczos, before an eigenvector counts as not separated
CAP_STEPS = 500
INSIDE = 1 - 4e-16  # factor on the radius that rounding of the rotation does not leave


@dataclass(frozen=True)
class Turn:
    """An element, and what is known of where it leads.

    Attributes
    ----------
    element : (P, R)
        A plane rotation; the identity where there is nowhere to turn.
    angle : float
        By which it turns.
    on_boundary : bool
        Whether a radius stopped the turn.
    separated : bool
        Whether an eigenvector was found; else the turn went as far as steps gained.
    bound : float or None
        Proved bound on the gradient norm within the radius, ``None`` if nothing is proved.
    """

    element: tuple[np.ndarray, np.ndarray]
    angle: float
    on_boundary: bool
    separated: bool
    bound: float | None


def turn(group: QuadraticOrthogonal, y: np.ndarray, sense: str, radius: float | None) -> Turn:
    """Return the plane rotation of ``y = w - w*`` to the best point within an angle.

    The element is of rank two and needs ``y, Ay`` and one more direction only.

    Raises
    ------
    DomainError
        If A turns out not to be positive definite.
    """
    A, loss = group.loss.A, group.loss
    Ay = np.asarray(A @ y)
    energy = float(y @ Ay)
    if not np.any(Ay):
        return Turn(group.identity(), 0.0, False, True, 0.0)
    if not energy > 0:
        raise DomainError(f"A is not positive definite: y^T A y is {energy:.3g} at the start")
    proved = type(loss) is Quadratic and loss.positive_definite is True  # no one else's word
    slack = gamma(loss.n + 32) * loss.absolute_energy(y) if proved else 0.0
    z = y / float(np.sqrt(energy))  # unit in <., A.>
    full = _Spectrum.of(A, sense)
    if full is not None:
        found, bound = full.best(z, np.inf if radius is None else radius)
    else:
        found, bound = _by_lanczos(A, z, sense, radius)
    across, angle, on_boundary, separated = found
    if not proved:
        bound = None
    elif bound is not None:
        bound *= energy + slack if sense == "max" else max(energy - slack, 0.0)
    element = _plane_rotation(A, z, across, angle)
    return Turn(element, angle, on_boundary, separated, bound)


Found = tuple[np.ndarray, float, bool, bool]  # direction across z, angle, on the rim, separated


@dataclass(frozen=True)
class _Spectrum:
    """All of A's eigenvalues and eigenvectors, and the sense of the search."""

    A: np.ndarray
    sign: float

    @classmethod
    def of(cls, A: Any, sense: str) -> _Spectrum | None:
        """Diagonalise a matrix of moderate size, or an operator of a few rows."""
        n = A.shape[0]
        if n > (OPERATOR if isinstance(A, LinearOperator) else FULL):
            return None
        dense = A @ np.eye(n) if isinstance(A, LinearOperator) else A
        dense = dense.toarray() if hasattr(dense, "toarray") else np.asarray(dense)
        return cls((dense + dense.T) / 2, 1.0 if sense == "max" else -1.0)

    @cached_property
    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues, the best last, and eigenvectors."""
        values, vectors = np.linalg.eigh(self.A)
        if not values[0] > 0:
            raise DomainError(
                f"A is not positive definite: an eigenvalue is {values[0]:.3g}, to rounding of "
                f"{self.error:.1g}"
            )
        return (values, vectors) if self.sign > 0 else (values[::-1], vectors[:, ::-1])

    @property
    def error(self) -> float:
        """By how much the matrix of the computed eigenvalues and vectors may differ from A."""
        n = len(self.A)
        return 8 * n * float(np.finfo(float).eps) * float(np.max(np.abs(self.A).sum(axis=1)))

    def best(self, z: np.ndarray, radius: float) -> tuple[Found, float | None]:
        """Return the best point within an angle of z, and a bound on ``t^T A^2 t`` there."""
        values, vectors = self.pair
        roots = np.sqrt(values)
        q = roots * (vectors.T @ z)
        q = q / float(np.linalg.norm(q))
        rounding = 8 * len(values) * float(np.finfo(float).eps) * float(np.max(values))
        point = best_on_cap(self.sign * values, q, radius * INSIDE, rounding)
        across = vectors @ (point.across / roots)
        found = across, point.angle, not point.inside, True
        if point.inside:
            prove = greatest_below if self.sign > 0 else least_above
            return found, prove(self.A, float(values[-1]))
        return found, self._bound(values, q, radius, point.distance, rounding)

    def _bound(
        self, values: np.ndarray, q: np.ndarray, radius: float, distance: float, rounding: float
    ) -> float | None:
        r"""Bound ``f(t) = t^T A^2 t`` on the rim by the dual, for A itself.

        With ``A = V a V^T + E``, ``||E|| <= e``, and eigenvalues of at least l the two forms
        agree to a factor ``1 +- h``, ``h = e / l``. Angles then agree to a factor
        ``((1 + h) / (1 - h))^(1/2)`` in the tangent of their halves (Wielandt's inequality), and
        ``t^T A^2 t`` is ``(f^(1/2) +- (e h)^(1/2))^2``. The centre itself is computed to a few
        roundings of its longest coordinate. So the dual on a cap wider by that bounds f.
        """
        error = self.error
        least = float(np.min(values)) - error
        if not least > 0:
            return None
        h = error / least
        if not h < 0.5:
            return None
        centre = 8 * len(q) * float(np.finfo(float).eps) * np.sqrt(np.max(values) / least)
        wider = 2 * np.arctan(np.sqrt((1 + h) / (1 - h)) * np.tan(radius / 2)) + centre
        if not wider < np.pi / 2:
            return None
        spread = float(np.max(values) - np.min(values))
        edge = dual(self.sign * values, q, wider, max(distance, rounding, 1e-13 * spread))
        edge = self.sign * edge
        if self.sign > 0:
            return float((np.sqrt((1 + h) * (edge + rounding)) + np.sqrt(error * h)) ** 2)
        inner = np.sqrt(max((1 - h) * (edge - rounding), 0.0)) - np.sqrt(error * h)
        return float(max(inner, 0.0) ** 2)


def _by_lanczos(
    A: Any, z: np.ndarray, sense: str, radius: float | None
) -> tuple[Found, float | None]:
    """Return the eigenvector that Lanczos finds if it is near enough, else climb towards it."""
    pair = _extreme(A, len(z), sense, z)
    bound = None
    if pair is None:
        # a clustered end: climb from z as far as the radius, or a right angle, allows
        reach, extreme = np.pi / 2 if radius is None else radius, None
    else:
        eigenvalue, u = pair
        if not eigenvalue > 0:
            raise DomainError(f"A is not positive definite: an eigenvalue is {eigenvalue:.3g}")
        bound = (greatest_below if sense == "max" else least_above)(A, eigenvalue)
        extreme = u / np.sqrt(eigenvalue)
        across, angle = _towards(A, z, extreme)
        if radius is None or angle <= radius:
            return (across, angle, False, True), bound
        reach = radius
    across, angle = _towards(A, z, _on_cap(A, z, reach, sense, extreme))
    on_boundary = angle >= reach * (1 - 1e-9)
    return (across, min(angle, reach * INSIDE), on_boundary, pair is not None), bound


def _extreme(A: Any, n: int, sense: str, start: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Return the extreme eigenpair of A, or ``None`` where Lanczos does not separate it."""
    # the start is y itself plus a fixed spread, so that no eigenvector is missed
    v = start / np.linalg.norm(start)
    v = v + np.random.default_rng(0).standard_normal(n) / np.sqrt(n)
    which = "LA" if sense == "max" else "SA"
    basis = min(n - 1, 20 if n <= 100_000 else 12)  # memory: about two vectors each
    found = None
    for tolerance in (1e-3, 1e-8):  # roughly first: where that fails the top is a cluster
        try:
            values, vectors = eigsh(
                A, k=1, which=which, v0=v, ncv=basis, tol=tolerance, maxiter=RESTARTS
            )
        except ArpackNoConvergence:
            break
        found = float(values[0]), vectors[:, 0]
        v = found[1]
    return found


def _towards(A: Any, z: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the direction across z to a target or its opposite, the nearer, and the angle."""
    cosine = float(target @ np.asarray(A @ z))
    if cosine < 0:
        target, cosine = -target, -cosine
    across = target - cosine * z
    sine = float(np.sqrt(max(float(across @ np.asarray(A @ across)), 0.0)))
    return across, float(np.arctan2(sine, cosine))


def _plane_rotation(
    A: Any, z: np.ndarray, across: np.ndarray, angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation by an angle from z, of A-norm one, in the direction ``across``."""
    size = float(np.max(np.abs(across), initial=0.0))
    if not (size > 0 and angle > 0):
        return np.zeros((len(z), 0)), np.zeros((0, 0))
    e = across / size
    Az = np.asarray(A @ z)
    squared = float(z @ Az)
    for _ in range(2):
        e = e - (float(e @ Az) / squared) * z
    length = float(np.sqrt(max(float(e @ np.asarray(A @ e)), 0.0)))
    if not length > 0:
        return np.zeros((len(z), 0)), np.zeros((0, 0))
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return np.stack([z / np.sqrt(squared), e / length], axis=1), np.array([[c, -s], [s, c]])


def _on_cap(
    A: Any, z: np.ndarray, radius: float, sense: str, extreme: np.ndarray | None = None
) -> np.ndarray:
    """Maximise ``t^T A^2 t`` over A-unit t at an angle of at most ``radius`` from z.

    Locally optimal steps as in LOBPCG: the problem is solved in the span of z, t, the
    gradient A t and the last step, so that ten vectors are enough. Where that ends is a
    critical point of the cap, with nothing proved about others. With the ``extreme``
    eigenvector in the span as well, a start orthogonal to it is no exception.
    """
    sign = 1.0 if sense == "max" else -1.0
    first, product = z[:, None], np.asarray(A @ z)[:, None]
    t, At, last = z, product[:, 0], -np.inf
    if extreme is not None:
        first, product = _extend(A, first, product, extreme)
    step = None
    for _ in range(CAP_STEPS):
        S, AS = first, product
        for v in (t, At) if step is None else (t, At, step):
            S, AS = _extend(A, S, AS, v)
        T = sign * (AS.T @ AS)
        s = _small_cap(T, radius)
        value = float(s @ T @ s)
        new = S @ s
        step, t = new - t, new
        At = AS @ s
        if value <= last + 1e-13 * abs(value):
            break
        last = value
    return t


def _extend(A: Any, S: np.ndarray, AS: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add v to an A-orthonormal basis, unless it lies in its span."""
    size = float(np.linalg.norm(v))
    if not size > 0:
        return S, AS
    v = v / size
    for _ in range(2):
        v = v - S @ (AS.T @ v)
    if float(np.linalg.norm(v)) <= 1e-10:
        return S, AS
    Av = np.asarray(A @ v)
    length = float(np.sqrt(max(float(v @ Av), 0.0)))
    if not length > 0:
        return S, AS
    return np.column_stack([S, v / length]), np.column_stack([AS, Av / length])


def _small_cap(T: np.ndarray, radius: float) -> np.ndarray:
    """Maximise ``s^T T s`` over unit s at an angle of at most ``radius`` from the first axis."""
    values, vectors = np.linalg.eigh(T)
    rounding = 1e-15 * float(np.max(np.abs(values)))
    point = best_on_cap(values, vectors[0], radius, rounding)
    s = np.cos(point.angle) * vectors[0] + np.sin(point.angle) * point.across
    return vectors @ s
