"""Orbits, closed and not: groups, losses of their invariants, starting points, and brute force.

Nothing here uses the library's searches. A case knows from mathematics whether the least norm of
its parameters is attained (``True``, ``False``, or ``None`` where that hangs on rounding); the
brute force walks along exponentials of the raw generators with SciPy, from several starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize

import liegroup_teleport as lt
from liegroup_teleport.groups import DiagonalGroup, MatrixGroup

__all__ = ["Orbit", "least_norm", "network_orbits", "orbits"]


@dataclass(frozen=True)
class Orbit:
    """A group, a loss that it leaves alone, a start, and what is known of the least norm.

    Attributes
    ----------
    name : str
    group, loss : the library's
    w : dict of arrays
    generators : array (m, n, n)
        By which the group acts on all parameters as one vector.
    attained : bool or None
        Whether the least norm of the parameters is attained.
    forms : list of callable
        Functions of an element's matrix on the parameters that are 0 for members of the group.
    """

    name: str
    group: Any
    loss: Any
    w: dict[str, np.ndarray]
    generators: np.ndarray
    attained: bool | None
    forms: list[Callable[[np.ndarray], float]] = field(default_factory=list)


def unit(i: int, j: int, n: int) -> np.ndarray:
    """Return the matrix unit."""
    E = np.zeros((n, n))
    E[i, j] = 1.0
    return E


def special(n: int) -> list[np.ndarray]:
    """Return a basis of sl(n) with whole entries."""
    off = [unit(i, j, n) for i in range(n) for j in range(n) if i != j]
    return off + [unit(i, i, n) - unit(i + 1, i + 1, n) for i in range(n - 1)]


def lorentz(n: int) -> list[np.ndarray]:
    """Return a basis of so(1, n - 1)."""
    boosts = [unit(0, i, n) + unit(i, 0, n) for i in range(1, n)]
    turns = [unit(i, j, n) - unit(j, i, n) for i in range(1, n) for j in range(i + 1, n)]
    return boosts + turns


def invariant_loss(
    invariants: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], name: str, shape: tuple
) -> Any:
    """Return ``sum (I - 1)^2`` over invariants, given their values (k,) and Jacobian (k, n)."""

    def parts(w: Any) -> tuple[np.ndarray, np.ndarray]:
        values, J = invariants(np.asarray(w[name], np.float64).reshape(-1))
        return values - 1.0, J

    def value(w: Any) -> float:
        return float(np.sum(parts(w)[0] ** 2))

    def gradient(w: Any) -> dict[str, np.ndarray]:
        r, J = parts(w)
        return {name: (2 * r @ J).reshape(shape).astype(w[name].dtype)}

    return lt.losses.from_function(value, gradient)


def _form(Q: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return how far a matrix is from keeping the bilinear form Q, relative to its square."""
    return lambda g: float(np.linalg.norm(g.T @ Q @ g - Q) / max(np.linalg.norm(g) ** 2, 1.0))


def _whole(rng: np.random.Generator, shape: Any, low: int = -4, high: int = 5) -> np.ndarray:
    return rng.integers(low, high, shape).astype(float)


def _left(rng: np.random.Generator, n: int) -> Iterator[Orbit]:
    """SL(n) times matrices (n, n) from the left: closed exactly if the rank is n, or 0."""
    group = MatrixGroup([np.kron(X, np.eye(n)) for X in special(n)], {"W": (n, n)})

    def determinant(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        W = w.reshape(n, n)
        cofactors = np.array(
            [
                [
                    (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(W, i, 0), j, 1))
                    for j in range(n)
                ]
                for i in range(n)
            ]
        )
        return np.array([float(W[0] @ cofactors[0])]), cofactors.reshape(1, -1)

    loss = invariant_loss(determinant, "W", (n, n))
    generators = np.array([np.kron(X, np.eye(n)) for X in special(n)])
    low = _whole(rng, (n, n - 1)) @ _whole(rng, (n - 1, n))
    full = _whole(rng, (n, n)) + 9 * np.eye(n)
    starts = [
        ("full", full, True), ("generic", rng.standard_normal((n, n)), True),
        ("zero", np.zeros((n, n)), True), ("repeated", np.eye(n) * 2.0, True),
        ("low", low, not np.any(low)),
        ("one column", np.outer(_whole(rng, n, 1, 5), unit(0, 0, n)[0]), False),
        ("nearly low", low + 1e-13 * rng.standard_normal((n, n)), None),
    ]  # fmt: skip
    for kind, W, attained in starts:
        yield Orbit(f"SL({n}) left, {kind}", group, loss, {"W": W}, generators, attained)


def _conjugation(rng: np.random.Generator, n: int) -> Iterator[Orbit]:
    """SL(n) by conjugation: closed exactly if diagonalisable over the complex numbers."""
    generators = np.array([np.kron(X, np.eye(n)) - np.kron(np.eye(n), X.T) for X in special(n)])
    group = MatrixGroup(generators, {"W": (n, n)})

    def traces(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        W = w.reshape(n, n)
        powers = [np.eye(n)]
        for _ in range(n):
            powers.append(powers[-1] @ W)
        return (
            np.array([np.trace(powers[k]) for k in range(1, n + 1)]),
            np.array([k * powers[k - 1].T.reshape(-1) for k in range(1, n + 1)]),
        )

    loss = invariant_loss(traces, "W", (n, n))
    P = np.eye(n) + np.triu(_whole(rng, (n, n), 0, 3), 1)
    back = np.rint(np.linalg.inv(P))
    jordan = np.diag(np.ones(n - 1), 1)
    starts = [
        ("nilpotent", P @ jordan @ back, False),
        ("jordan block", P @ (jordan + 2 * np.eye(n)) @ back, False),
        ("scalar", 3 * np.eye(n), True),
        ("diagonal", np.diag(np.arange(1.0, n + 1)), True),
        ("diagonalisable", P @ np.diag(np.arange(1.0, n + 1)) @ back, True),
        ("generic", rng.standard_normal((n, n)), None),
        ("zero", np.zeros((n, n)), True),
    ]
    for kind, W, attained in starts:
        yield Orbit(f"SL({n}) conjugation, {kind}", group, loss, {"W": W}, generators, attained)


def _boosts(rng: np.random.Generator, n: int) -> Iterator[Orbit]:
    """The Lorentz group on vectors: closed exactly off the light cone, and at zero."""
    generators = np.array(lorentz(n))
    Q = np.diag([-1.0, *[1.0] * (n - 1)])
    group = MatrixGroup(generators, {"w": (n,)})
    loss = invariant_loss(lambda w: (np.array([w @ Q @ w]), 2 * (Q @ w)[None]), "w", (n,))
    triple = [(3.0, 4.0, 5.0), (5.0, 12.0, 13.0), (8.0, 15.0, 17.0)][int(rng.integers(3))]
    light = np.zeros(n)
    light[0], light[1], light[2] = triple[2], triple[0], triple[1]
    time = np.zeros(n)
    time[0] = 7.0
    time[1:] = _whole(rng, n - 1, -2, 3)
    starts = [
        ("null", light, False), ("null, scaled", 2.0 ** int(rng.integers(-9, 9)) * light, False),
        ("timelike", time, True), ("at rest", 3 * unit(0, 0, n)[0], True),
        ("spacelike", np.roll(time, 1), None), ("zero", np.zeros(n), True),
        ("nearly null", light * (1 + 1e-15 * np.arange(n)), None),
        ("rounded null", np.concatenate([[1.0, 0.6, 0.8], np.zeros(n - 3)]), None),
        ("past null by 1e-6", light + 1e-6 * unit(0, 0, n)[0], None),
    ]  # fmt: skip
    for kind, w, attained in starts:
        yield Orbit(
            f"Lorentz({n}), {kind}", group, loss, {"w": w}, generators, attained, [_form(Q)]
        )


def _scales(rng: np.random.Generator) -> Iterator[Orbit]:
    """Diagonal groups: attained exactly if positive weights on the live exponents cancel."""
    m, n = int(rng.integers(1, 4)), int(rng.integers(3, 7))
    while True:
        D = _whole(rng, (m, n), -2, 3)
        if np.linalg.matrix_rank(D) == m:
            break
    group = DiagonalGroup(D, {"w": (n,)})
    constant = lt.losses.from_function(lambda w: 1.0, lambda w: {"w": 0 * w["w"]})
    for live in (0.0, 0.3, 0.6):
        w = rng.standard_normal(n) * (rng.random(n) >= live)
        yield Orbit(
            f"diagonal {D.tolist()}, {np.flatnonzero(w).tolist()}", group, constant, {"w": w},
            np.array([np.diag(d) for d in D]), _weights_cancel(D[:, w != 0]),
        )  # fmt: skip


def _weights_cancel(A: np.ndarray) -> bool:
    """Whether strictly positive q have A q = 0: by projections, not by linear programming.

    Without them, by Stiemke's alternative, some y has y A >= 0 and not 0. Both are sought among
    the finitely many directions that are orthogonal to all but a few of the columns.
    """
    if not A.size:
        return True
    m = len(A)
    from itertools import combinations

    for size in range(0, m):
        for chosen in combinations(range(A.shape[1]), size):
            rows = A[:, list(chosen)].T if chosen else np.zeros((1, m))
            null = scipy.linalg.null_space(rows)
            for y in (*null.T, *(-null.T)):
                rates = np.round(y @ A, 9)
                if np.all(rates >= 0) and np.any(rates > 0):
                    return False
    # directions of the null space that no pair of signs of basis vectors covers
    rng = np.random.default_rng(0)
    for _ in range(200):
        rates = np.round(rng.standard_normal(m) @ A, 9)
        if np.all(rates >= 0) and np.any(rates > 0):
            return False
    return True


def _others(rng: np.random.Generator) -> Iterator[Orbit]:
    """Groups whose algebra no transpose maps to itself: nothing is proved by convexity."""
    constant = lt.losses.from_function(lambda w: 1.0, lambda w: {"w": 0 * w["w"]})
    shear = [unit(0, 1, 3), unit(0, 2, 3)]
    screw = [np.diag([1.0, 1.0, 0.0]) + unit(0, 1, 3) - unit(1, 0, 3)]
    stretch = [np.array([[1.0, 5.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])]
    triangular = [unit(0, 0, 3), unit(0, 1, 3), unit(1, 1, 3)]
    hyperbola = [unit(0, 1, 3) + unit(1, 0, 3)]
    for kind, raw in (
        ("shears", shear), ("screw", screw), ("stretch", stretch),
        ("triangular", triangular), ("hyperbola", hyperbola),
    ):  # fmt: skip
        group = MatrixGroup(raw, {"w": (3,)})
        for start in (rng.standard_normal(3), _whole(rng, 3), np.array([1.0, 0.0, 0.0]),
                      np.array([1.0, -1.0, 0.0]), np.array([2.0, 1.0, 0.0])):  # fmt: skip
            if np.any(start):
                yield Orbit(f"{kind}, {start}", group, constant, {"w": start}, np.array(raw), None)


def orbits(rng: np.random.Generator) -> Iterator[Orbit]:
    """Yield cases of groups of matrices and of scales on a vector."""
    for n in (2, 3):
        yield from _left(rng, n)
        yield from _conjugation(rng, n)
    for n in (3, 4):
        yield from _boosts(rng, n)
    for _ in range(4):
        yield from _scales(rng)
    yield from _others(rng)


def least_norm(orbit: Orbit, rng: np.random.Generator, starts: int = 3) -> float:
    """Return the least squared norm that SciPy finds on an orbit, from several starts.

    Two exponentials in a row reach more than one; the far ones are as good as rounding lets them.
    """
    w = np.concatenate([np.ravel(a) for a in orbit.w.values()]).astype(float)
    m = len(orbit.generators)

    def element(x: np.ndarray) -> np.ndarray:
        X, Y = (np.tensordot(part, orbit.generators, 1) for part in (x[:m], x[m:]))
        return scipy.linalg.expm(X) @ scipy.linalg.expm(Y)

    def value(x: np.ndarray) -> float:
        if np.max(np.abs(x)) > 12:  # farther, products of exponentials are rounding
            return 1e300
        with np.errstate(all="ignore"):
            size = float(np.sum((element(x) @ w) ** 2))
        return size if np.isfinite(size) else 1e300

    best = float(w @ w)
    for k in range(starts):
        start = (0.0 if k == 0 else 0.7) * rng.standard_normal(2 * m)
        found = scipy.optimize.minimize(
            lambda x: np.log(max(value(x), 1e-300)), start, method="BFGS", options={"maxiter": 60}
        )
        best = min(best, value(found.x))
    return best


def network_orbits(rng: np.random.Generator) -> Iterator[tuple[str, Any, dict[str, np.ndarray]]]:
    """Yield networks and parameters: rank-deficient, zero and repeated factors anywhere."""
    for activation in ("linear", "relu"):
        for widths in ((4, 3, 3), (3, 4, 2), (4, 3, 3, 2), (2, 2, 2, 2, 2)):
            for bias in (False, True):
                X = rng.standard_normal((6, widths[0]))
                T = rng.standard_normal((6, widths[-1]))
                net = lt.losses.MLP(
                    list(widths), activation=activation, inputs=X, targets=T, bias=bias
                )
                for kind in (
                    "generic",
                    "zero",
                    "row",
                    "column",
                    "repeated",
                    "low",
                    "ones",
                    "fitted",
                ):
                    w = net.init(rng)
                    name = f"W{int(rng.integers(1, len(widths)))}"
                    W = w[name]
                    if kind == "zero":
                        W[:] = 0
                    elif kind == "row":
                        W[int(rng.integers(len(W)))] = 0
                    elif kind == "column":
                        W[:, int(rng.integers(W.shape[1]))] = 0
                    elif kind == "repeated":
                        W[:] = W[0]
                    elif kind == "low":
                        W[:] = np.outer(*(rng.standard_normal(k) for k in W.shape))
                    elif kind == "ones":
                        W[:] = 1
                    loss = net
                    if kind == "fitted":
                        loss = lt.losses.MLP(
                            list(widths), activation=activation, inputs=X,
                            targets=net.forward(w), bias=bias,
                        )  # fmt: skip
                    yield f"{activation} {widths} {kind} {name} bias={bias}", loss, w
