"""Quadratics: the best point of a level set in closed form, by Lanczos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from ..groups import QuadraticOrthogonal

__all__ = ["QuadraticResult", "rotate_to_eigenvector"]

DENSE = 64
RESTARTS = 60  # of Lanczos, before an eigenvector counts as not separated
CAP_STEPS = 500


@dataclass(frozen=True)
class QuadraticResult:
    """An element and what it reaches.

    Attributes
    ----------
    element : (P, R)
    eigenvalue : float
        Eigenvalue of the eigenvector turned to.
    angle : float
        Angle of the plane rotation.
    on_boundary : bool
        Whether a radius stopped the turn.
    """

    element: tuple[np.ndarray, np.ndarray]
    eigenvalue: float
    angle: float
    on_boundary: bool


def rotate_to_eigenvector(
    group: QuadraticOrthogonal, y: np.ndarray, sense: str, radius: float | None
) -> QuadraticResult:
    """Return the element that turns ``y = w - w*`` to an extreme eigenvector of A.

    On a level set ``||grad L||^2 = y^T A^2 y`` is extreme at the eigenvectors:
    ``w' = w* + sqrt(2L/lambda) u``. The element is a plane rotation of rank
    two and needs ``y, Ay, u, lambda`` only. Within a radius that is smaller
    than the angle the maximum on the spherical cap is a trust-region problem.
    """
    A = group.loss.A
    Ay = np.asarray(A @ y)
    energy = float(y @ Ay)
    if not energy > 0:
        return QuadraticResult(group.identity(), 0.0, 0.0, False)
    root = float(np.sqrt(energy))
    z = y / root  # unit in <., A.>
    pair = _extreme(A, group.n, sense, y)
    if pair is None:
        # a clustered top: climb from z as far as the radius, or a right angle, allows
        reach = np.pi / 2 if radius is None else radius
        target = _on_cap(A, z, reach, sense)
        angle = _angle(A, z, target, float(target @ Ay) / root)
        At = np.asarray(A @ target)
        return QuadraticResult(
            _plane_rotation(A, z, target), float(At @ At), angle, angle >= reach * (1 - 1e-9)
        )
    eigenvalue, u = pair
    target = u / np.sqrt(eigenvalue)
    cosine = float(target @ Ay) / root
    if cosine < 0:
        target, cosine = -target, -cosine
    angle = _angle(A, z, target, cosine)
    if radius is not None and angle > radius:
        target = _on_cap(A, z, radius, sense, target)
        return QuadraticResult(_plane_rotation(A, z, target), eigenvalue, radius, True)
    return QuadraticResult(_plane_rotation(A, z, target), eigenvalue, angle, False)


def _extreme(A: Any, n: int, sense: str, start: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Return the extreme eigenpair of A, or ``None`` where Lanczos does not separate it."""
    if n <= DENSE:
        dense = A @ np.eye(n) if isinstance(A, LinearOperator) else A
        dense = dense.toarray() if hasattr(dense, "toarray") else np.asarray(dense)
        values, vectors = np.linalg.eigh((dense + dense.T) / 2)
        k = -1 if sense == "max" else 0
        return float(values[k]), vectors[:, k]
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


def _angle(A: Any, z: np.ndarray, target: np.ndarray, cosine: float) -> float:
    across = target - cosine * z
    sine = float(np.sqrt(max(float(across @ np.asarray(A @ across)), 0.0)))
    return float(np.arctan2(sine, cosine))


def _plane_rotation(A: Any, z: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation in span(z, target) that takes z to target (both of A-norm one)."""
    Az = np.asarray(A @ z)
    length = float(np.sqrt(float(z @ Az)))
    z, Az = z / length, Az / length
    cosine = float(target @ Az)
    across = target - cosine * z
    across = across - float(across @ Az) * z
    sine = float(np.sqrt(max(float(across @ np.asarray(A @ across)), 0.0)))
    if sine <= 1e-15:
        return np.zeros((len(z), 0)), np.zeros((0, 0))
    e = across / sine
    size = float(np.hypot(cosine, sine))
    c, s = cosine / size, sine / size
    return np.stack([z, e], axis=1), np.array([[c, -s], [s, c]])


def _on_cap(
    A: Any, z: np.ndarray, radius: float, sense: str, extreme: np.ndarray | None = None
) -> np.ndarray:
    """Maximise ``t^T A^2 t`` over A-unit t at an angle of at most ``radius`` from z.

    A trust-region problem on a spherical cap. Locally optimal steps as in
    LOBPCG: the problem is solved exactly in the span of z, t, the gradient A t
    and the last step, so that ten vectors are enough. With the ``extreme`` eigenvector in the
    span as well, a start orthogonal to it (the hard case) is no exception.
    """
    sign = 1.0 if sense == "max" else -1.0
    first, product = z[:, None], np.asarray(A @ z)[:, None]
    t, At, last = z, product[:, 0], -np.inf
    if len(z) <= DENSE:  # in the whole space the first step is exact
        for axis in np.eye(len(z)):
            first, product = _extend(A, first, product, axis)
    elif extreme is not None:
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
    c, sine = float(np.cos(radius)), float(np.sin(radius))
    _, vectors = np.linalg.eigh(T)
    top = vectors[:, -1] * (1.0 if vectors[0, -1] >= 0 else -1.0)
    if top[0] >= c or len(T) == 1:
        return top
    b = c * T[1:, 0]
    values, V = np.linalg.eigh(T[1:, 1:])
    beta = V.T @ b
    # on the boundary s = (c, sine u): u = (mu - T)^-1 b / sine with mu above the spectrum
    low = float(values[-1])
    span = max(abs(low), float(np.abs(values).max()), 1e-300)

    def size(mu: float) -> float:
        return float(np.linalg.norm(beta / (sine * (mu - values))))

    near = low + 1e-14 * span
    if size(near) < 1.0:  # hard case: fill up along the top eigenvector
        u = beta / (sine * np.maximum(near - values, 1e-300))
        u[-1] += np.sqrt(max(1.0 - float(u @ u), 0.0))
    else:
        high = low + float(np.linalg.norm(beta)) / sine + span
        mu = brentq(lambda m: 1.0 / size(m) - 1.0, near, high, xtol=1e-15 * span, rtol=1e-15)
        u = beta / (sine * (mu - values))
    u = V @ (u / np.linalg.norm(u))
    return np.concatenate([[c], sine * u])
