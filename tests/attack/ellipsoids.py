"""Quadratics that invite a false optimum, and brute force on their level sets.

Spectra with repeated and nearly equal ends, ill-conditioned, far from one; starts at and
near eigenvectors and orthogonal to the extreme one; angles from 1e-9 to beyond all.
The brute force knows how the matrix was made, and searches the sphere of ``a^(1/2) V^T y``
by a grid, or by restarts of SciPy: nothing of the library's search, nor its eigenvectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator

from liegroup_teleport.losses import Quadratic

__all__ = ["Ellipsoid", "best_value", "ellipsoid"]


@dataclass(frozen=True)
class Ellipsoid:
    """A quadratic with known eigenvectors (columns) and eigenvalues, and a start."""

    loss: Quadratic
    values: np.ndarray
    vectors: np.ndarray
    w: dict[str, np.ndarray]
    radius: float | None
    sense: str
    what: str

    @property
    def condition(self) -> float:
        """Largest over least eigenvalue."""
        return float(self.values.max() / self.values.min())


def _spectrum(rng: np.random.Generator, n: int) -> tuple[str, np.ndarray]:
    what = str(
        rng.choice(["random", "repeated", "close", "close2", "stiff", "all equal", "far", "whole"])
    )
    a = np.sort(rng.uniform(1.0, 5.0, n))
    end = rng.choice([-1, 0])
    other = end - 1 if end else end + 1
    if what == "repeated":
        a[other] = a[end]
    elif what == "close":
        a[other] = a[end] * (1 - 1e-10)
    elif what == "close2":
        a[other] = a[end] * (1 - 1e-5)
    elif what == "stiff":
        a = np.logspace(0, float(rng.uniform(2, 10)), n)
    elif what == "all equal":
        a[:] = a[0]
    elif what == "far":
        a = a * 10.0 ** rng.uniform(-60, 60)
    elif what == "whole":
        a = np.sort(rng.integers(1, 4, n)).astype(float)
    return what, np.sort(a)


def _start(rng: np.random.Generator, V: np.ndarray) -> tuple[str, np.ndarray]:
    what = str(rng.choice(["random", "eigenvector", "near one", "orthogonal", "two"]))
    n = len(V)
    y = rng.normal(size=n)
    k = int(rng.integers(n))
    if what == "eigenvector":
        y = V[:, k]
    elif what == "near one":
        y = V[:, k] + 10.0 ** rng.uniform(-16, -4) * y
    elif what == "orthogonal":
        y = y - V[:, -1] * (V[:, -1] @ y) if rng.random() < 0.5 else y - V[:, 0] * (V[:, 0] @ y)
    elif what == "two":
        y = V[:, k] + V[:, (k + 1) % n]
    return what, y * 10.0 ** rng.uniform(-2, 2)


def ellipsoid(rng: np.random.Generator, most: int = 6) -> Ellipsoid:
    """Return a random quadratic, start, angle and sense."""
    n = int(rng.integers(2, most + 1))
    spectrum, a = _spectrum(rng, n)
    straight = rng.random() < 0.4  # eigenvectors along the axes: exact orthogonality
    V = np.eye(n) if straight else np.linalg.qr(rng.normal(size=(n, n)))[0]
    A = (V * a) @ V.T
    A = (A + A.T) / 2
    kind = str(rng.choice(["dense", "sparse", "operator"], p=[0.7, 0.2, 0.1]))
    centre = rng.normal(size=n) if rng.random() < 0.5 else np.zeros(n)
    made = {
        "dense": lambda: A,
        "sparse": lambda: scipy.sparse.csr_array(A),
        "operator": lambda: aslinearoperator(A),
    }[kind]()
    start, y = _start(rng, V)
    if not np.any(y):
        y = np.ones(n)
    single = rng.random() < 0.2 and spectrum != "far"  # else it overflows
    dtype = np.float32 if single else np.float64
    w = {"w": (centre + y).astype(dtype)}
    radius = None if rng.random() < 0.25 else float(10 ** rng.uniform(-9, 0.6))
    sense = "max" if rng.random() < 0.5 else "min"
    what = f"n={n} {spectrum}, {start}, {kind}, {dtype.__name__}, radius {radius}, {sense}"
    return Ellipsoid(Quadratic(made, centre), a, V, w, radius, sense, what)


def best_value(case: Ellipsoid, rng: np.random.Generator) -> float:
    """Return the best ``||gradient||^2`` found at an angle of at most the radius."""
    y = case.w["w"].astype(np.float64) - case.loss.minimum
    z = np.sqrt(case.values) * (case.vectors.T @ y)
    energy = float(z @ z)
    z = z / np.sqrt(energy)
    sign = 1.0 if case.sense == "max" else -1.0
    radius = np.pi if case.radius is None else min(case.radius, np.pi)
    scale = case.values.max()
    a = case.values / scale

    def at(u: np.ndarray, angle: float) -> float:
        if not np.any(u):
            angle = 0.0
        s = np.cos(angle) * z + np.sin(angle) * u
        return sign * float(s @ (a * s)) / float(s @ s)

    def across(u: np.ndarray) -> np.ndarray:
        size = np.linalg.norm(u)
        u = u - (u @ z) * z
        length = np.linalg.norm(u)
        if not length > 1e-10 * size:
            return np.zeros_like(u)
        u = u / length
        u = u - (u @ z) * z
        return u / np.linalg.norm(u)

    n = len(z)
    ends = [at(np.zeros(n), 0.0)]
    for k in range(n):  # every eigenvector that is near enough
        cosine = abs(z[k])
        e = np.eye(n)[k] * (1.0 if z[k] >= 0 else -1.0)
        if np.arccos(min(cosine, 1.0)) <= radius:
            ends.append(sign * float(a[k]))
        ends.append(at(across(e), radius if radius < np.pi / 2 else np.pi / 2))
        ends.append(at(across(-e), radius if radius < np.pi / 2 else np.pi / 2))
    if n == 3 and radius < np.pi:
        p = across(np.eye(3)[int(np.argmin(np.abs(z)))])
        q = np.cross(z, p)
        turn = np.linspace(0, 2 * np.pi, 4001)
        ends += [at(np.cos(t) * p + np.sin(t) * q, radius) for t in turn]
    elif n > 3 and radius < np.pi:
        for _ in range(6):
            found = scipy.optimize.minimize(
                lambda u: -at(across(u), radius), across(rng.normal(size=n)), method="BFGS"
            )
            ends.append(-float(found.fun))
    return sign * max(ends) * scale * energy
