"""Quadratics: the best point of a level set in closed form, by Lanczos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from .._errors import DomainError
from ..groups import QuadraticOrthogonal

__all__ = ["QuadraticResult", "rotate_to_eigenvector"]

DENSE = 64
KRYLOV = 200


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
    than the angle the maximum on the spherical cap is found in the Krylov space
    of ``y`` (a trust-region problem).
    """
    A = group.loss.A
    Ay = np.asarray(A @ y)
    energy = float(y @ Ay)
    if not energy > 0:
        return QuadraticResult(group.identity(), 0.0, 0.0, False)
    eigenvalue, u = _extreme(A, group.n, sense, y)
    root = float(np.sqrt(energy))
    z = y / root  # unit in <., A.>
    target = u / np.sqrt(eigenvalue)
    cosine = float(target @ Ay) / root
    if cosine < 0:
        target, cosine = -target, -cosine
    angle = _angle(A, z, target, cosine)
    if radius is not None and angle > radius:
        target, cosine = _on_cap(A, z, radius, sense)
        element = _plane_rotation(A, z, target)
        return QuadraticResult(element, eigenvalue, radius, True)
    return QuadraticResult(_plane_rotation(A, z, target), eigenvalue, angle, False)


def _extreme(A: Any, n: int, sense: str, start: np.ndarray) -> tuple[float, np.ndarray]:
    if n <= DENSE:
        dense = A @ np.eye(n) if isinstance(A, LinearOperator) else A
        dense = dense.toarray() if hasattr(dense, "toarray") else np.asarray(dense)
        values, vectors = np.linalg.eigh((dense + dense.T) / 2)
        k = -1 if sense == "max" else 0
        return float(values[k]), vectors[:, k]
    # the start is y itself plus a fixed spread, so that no eigenvector is missed
    spread = np.random.default_rng(0).standard_normal(n)
    v0 = start / np.linalg.norm(start) + spread / np.linalg.norm(spread)
    which = "LA" if sense == "max" else "SA"
    for tolerance in (1e-12, 1e-6, 1e-3):  # a clustered top needs no single eigenvector
        try:
            values, vectors = eigsh(
                A, k=1, which=which, v0=v0, ncv=min(n - 1, 20), tol=tolerance, maxiter=200
            )
            break
        except ArpackNoConvergence:
            continue
    else:
        raise DomainError("Lanczos found no extreme eigenvector of A to a relative 1e-3")
    return float(values[0]), vectors[:, 0]


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


def _on_cap(A: Any, z: np.ndarray, radius: float, sense: str) -> tuple[np.ndarray, float]:
    """Maximise ``t^T A^2 t`` over A-unit t at angle ``radius`` from z, in the Krylov space of z."""
    n = len(z)
    basis = [z]
    products = [np.asarray(A @ z)]
    for _ in range(min(n, KRYLOV) - 1):
        r = np.asarray(A @ basis[-1])
        for _ in range(2):
            for q, Aq in zip(basis, products, strict=True):
                r = r - float(r @ Aq) * q
        Ar = np.asarray(A @ r)
        length = float(np.sqrt(max(float(r @ Ar), 0.0)))
        if length <= 1e-12 * float(np.linalg.norm(products[0])):
            break
        basis.append(r / length)
        products.append(Ar / length)
    Q, AQ = np.stack(basis, axis=1), np.stack(products, axis=1)
    T = AQ.T @ AQ  # the quadratic form y^T A^2 y on the basis
    T = T if sense == "max" else -T
    c, s = float(np.cos(radius)), float(np.sin(radius))
    b = c * T[1:, 0]
    values, V = np.linalg.eigh(T[1:, 1:])
    beta = V.T @ b
    # maximise s^2 t'Tt + 2 s b't over unit t: t = (mu - T)^-1 b/s with mu above the spectrum
    low = float(values[-1])

    def size(mu: float) -> float:
        return float(np.linalg.norm(beta / (s * (mu - values))))

    span = max(abs(low), 1e-300)
    near = low + 1e-14 * span
    if size(near) < 1.0:  # hard case: fill up along the top eigenvector
        t = beta / (s * np.maximum(near - values, 1e-300))
        t[-1] += np.sqrt(max(1.0 - float(t @ t), 0.0))
    else:
        high = low + float(np.linalg.norm(beta)) / s + span
        mu = brentq(lambda m: 1.0 / size(m) - 1.0, near, high, xtol=1e-15 * span, rtol=1e-15)
        t = beta / (s * (mu - values))
    t = V @ (t / np.linalg.norm(t))
    target = Q @ np.concatenate([[c], s * t])
    return target, c
