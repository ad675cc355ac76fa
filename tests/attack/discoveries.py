"""Losses whose linear symmetry algebra is known, in any units, nearly symmetric, badly sampled.

Each case says which dimension is true. The only thing a discovery may never do is to say
another one without a word: :func:`verdict` tells ``"right"``, ``"undecided"`` and ``"wrong"``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import liegroup_teleport as lt

UNITS = 6.0  # parameters are in units from 1e-6 to 1e6
LOSS_UNITS = 100.0


@dataclass(frozen=True)
class Family:
    """A loss of n variables of size one by its gradient, and the dimension of its algebra."""

    name: str
    n: int
    dim: int
    gradient: Callable[[np.ndarray], np.ndarray]


def _form(signs: tuple[int, ...], outer: Callable[[float], float], name: str) -> Family:
    eta = np.array(signs, dtype=float)
    n = len(signs)

    def gradient(u: np.ndarray) -> np.ndarray:
        return 2 * eta * u * outer(float(np.sum(eta * u * u)))

    return Family(f"form{signs}{name}", n, n * (n - 1) // 2, gradient)


def _monomial(powers: tuple[int, ...]) -> Family:
    a = np.array(powers, dtype=float)

    def gradient(u: np.ndarray) -> np.ndarray:
        m = float(np.prod(u**a))
        return 2 * (m - 1) * np.array([m * k / x for k, x in zip(a, u, strict=True)])

    return Family(f"monomial{powers}", len(powers), len(powers) - 1, gradient)


def _powers(*powers: int) -> Family:
    k = np.array(powers)
    dim = sum(k == 2) * (sum(k == 2) - 1) // 2
    return Family(f"powers{powers}", len(powers), int(dim), lambda u: k * u ** (k - 1))


def _layers(u: np.ndarray) -> np.ndarray:
    U, V = u[:4].reshape(2, 2), u[4:]
    X, Y = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]), np.array([1.0, 0.0, 2.0])
    E = X @ U.T @ V - Y
    return np.concatenate([np.outer(V, E @ X).ravel(), E @ X @ U.T])


def _rank_one(u: np.ndarray) -> np.ndarray:
    a, b = u[:2], u[2:]
    E = np.outer(a, b) - np.array([[1.0, 2.0], [0.5, -1.0]])
    return np.concatenate([E @ b, E.T @ a])


FAMILIES = [
    _form((1, 1), lambda q: 1.0, ""),
    _form((1, -1), lambda q: q, "^2"),
    _form((1, 1, 1), lambda q: q - 1, ""),
    _form((-1, 1, 1), lambda q: 1.0, ""),
    _form((-1, 1, 1, 1), lambda q: q, "^2"),
    _form((1, 1, 1, 1), lambda q: np.exp(-q / 8), "exp"),
    _monomial((1, 1)),
    _monomial((1, 1, 1)),
    _monomial((1, 2, 1, 3)),
    _powers(4, 2),
    _powers(4, 2, 2),
    _powers(4, 4, 6),
    _powers(3, 2, 2, 2),
    Family("layers", 6, 6, _layers),
    Family("rank one", 4, 1, _rank_one),
]


@dataclass(frozen=True)
class Case:
    """A gradient and points, the true dimension, and one that is as true to the noise."""

    name: str
    gradient: Callable[[dict[str, Any]], dict[str, Any]]
    sample: Callable[[np.random.Generator], dict[str, Any]]
    dim: int
    accepted: frozenset[int]


def _split(n: int, rng: np.random.Generator) -> list[int]:
    """Return sizes of the parameters that n entries are spread over."""
    first = int(rng.integers(1, n + 1))
    return [first] if first == n else [first, n - first]


def case(seed: int, kind: str = "units") -> Case:
    """Return a random case.

    Kinds: ``units`` (parameters and loss in random units, points to match), ``points`` (the
    same, points of size one in units of up to 10), ``broken`` (a small term that no field keeps),
    ``noise`` (relative noise).
    """
    rng = np.random.default_rng([seed, sum(map(ord, kind))])
    family = FAMILIES[int(rng.integers(len(FAMILIES)))]
    n = family.n
    spread = 1.0 if kind == "points" else UNITS
    units = 10.0 ** rng.uniform(-spread, spread, n)
    factor = 10.0 ** rng.uniform(-LOSS_UNITS, LOSS_UNITS)
    bounds = np.cumsum(_split(n, rng))
    names = ["a", "b"][: len(bounds)]
    inner = family.gradient
    accepted = {family.dim}
    true = family.dim
    if kind == "broken":
        # over all orders of magnitude; below the rounding of the gradient it cannot be seen
        size = 10.0 ** rng.uniform(-18, 0)
        powers, weights = rng.integers(3, 6, n), rng.uniform(0.5, 2.0, n)

        def inner(u: np.ndarray) -> np.ndarray:  # the gradient of a sum of powers and u_i^2 u_(i+1)
            mixed = 2 * u * np.roll(u, -1) + np.roll(u, 1) ** 2
            return family.gradient(u) + size * (weights * u**powers + mixed)

        true = 0
        accepted = {0} if size > 1e-11 else {0, family.dim}
    if kind == "noise":
        level = 10.0 ** rng.uniform(-14, -3)
        exact = family.gradient
        errors = np.random.default_rng(seed)

        def inner(u: np.ndarray) -> np.ndarray:
            g = exact(u)
            return g * (1 + level * errors.standard_normal(n))

    def split(y: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, np.split(y, bounds[:-1]), strict=True))

    def gradient(w: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        y = np.concatenate([w[name] for name in names])
        return split(factor * inner(y / units) / units)

    def sample(generator: np.random.Generator) -> dict[str, np.ndarray]:
        size = np.ones(n) if kind == "points" else units
        return split(size * generator.standard_normal(n))

    return Case(f"{family.name}, {kind}", gradient, sample, true, frozenset(accepted))


def verdict(tried: Case) -> tuple[str, Any]:
    """Return ``right``, ``undecided`` or ``wrong``, and the discovery."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = lt.discover_generators(tried.gradient, tried.sample)
    told = any("no clear gap" in str(w.message) for w in caught)
    if told is found.decided:
        return "wrong", found  # a warning and the field must say the same
    if not found.decided:
        least, most = found.dim_range
        return ("undecided" if least <= tried.dim <= most else "wrong"), found
    return ("right" if found.dim in tried.accepted else "wrong"), found
