"""Whether a gradient belongs to a value: slopes of the value, by differences, name by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .._arrays import Array, Parameters, axpy, cast, epsilon, host, inner, norm

__all__ = ["WrongSlope", "difference_slopes", "wrong_slope"]

# Weights of f at 0, h, -h, 2h, ... (over h) of three rules of fourth order. A kink on one side of
# the point spoils the rules that reach there, and leaves the one that looks the other way.
RULES = (
    {1: 2 / 3, -1: -2 / 3, 2: -1 / 12, -2: 1 / 12},
    {0: -25 / 12, 1: 4.0, 2: -3.0, 3: 4 / 3, 4: -1 / 4},
    {0: 25 / 12, -1: -4.0, -2: 3.0, -3: -4 / 3, -4: 1 / 4},
)
ROUNDING = 16.0  # units in the last place by which a value may be off


@dataclass(frozen=True)
class WrongSlope:
    """A parameter along which the value changes otherwise than the gradient says."""

    name: str
    measured: float
    stated: float

    def __str__(self) -> str:
        return (
            f"the gradient does not belong to the value: along a direction of parameter "
            f"{self.name!r} the value changes by {self.measured:.6g} per unit, the gradient says "
            f"{self.stated:.6g}"
        )


def difference_slopes(
    value: Callable[[Parameters], float], w: Parameters, u: Parameters
) -> Iterator[tuple[float, float]]:
    """Yield derivatives of ``t -> value(w + t u)`` at 0, each with what rounding may add to it.

    Long steps first: they suffer from curvature, short ones from rounding, and one that crosses
    a kink means nothing. Which of them is right is for the caller to say.
    """
    eps = epsilon(w)
    for step in eps ** np.array([0.16, 0.22, 0.28, 0.34]):  # 3e-3 ... 5e-6 in float64
        values: dict[int, float] = {}
        for rule in RULES:
            for k in rule:
                if k not in values:
                    values[k] = float(value(axpy(k * float(step), u, w) if k else w))
            size = max(abs(values[k]) for k in rule)
            slope = sum(c * (values[k] - values[0 if 0 in rule else 1]) for k, c in rule.items())
            yield slope / float(step), ROUNDING * eps * size / float(step)


def wrong_slope(
    value: Callable[[Parameters], float],
    gradient: Parameters,
    w: Parameters,
    rng: np.random.Generator,
) -> WrongSlope | None:
    """Compare a gradient with differences of the value, one random direction for each name.

    Parameters
    ----------
    value : callable
        ``w -> float``.
    gradient : dict of str to array
        What is said to be its gradient at ``w``, of the layout of ``w``.
    w : dict of str to array
    rng : numpy.random.Generator
        For the directions.

    Returns
    -------
    WrongSlope or None
        The first parameter for which no difference agrees with the gradient: to relative 1e-6 of
        its length in float64 and 1e-3 in float32, and to the rounding of the value.

    Notes
    -----
    NumPy parameters are taken in float64 for the differences, whatever they are. Those of other
    libraries stay in their dtype, where differences in float32 tell no more than two digits.
    """
    tol = max(1e-6, 8192 * epsilon(w))
    w = {n: a.astype(np.float64) if isinstance(a, np.ndarray) else a for n, a in w.items()}
    tol = max(tol, 2e5 * epsilon(w))
    everything = _rms(w)
    for name, array in w.items():
        if not int(np.prod(tuple(array.shape), dtype=np.int64)):
            continue
        u = _direction(name, w, gradient[name], _rms({name: array}) or everything or 1.0, rng)
        stated = inner(gradient, u)
        size = norm({name: gradient[name]}) * norm(u) / np.sqrt(max(1, host(array).size))
        best = (np.inf, 0.0)
        for slope, rounding in difference_slopes(value, w, u):
            excess = abs(slope - stated) - tol * max(abs(slope), abs(stated), size) - rounding
            best = min(best, (float(excess), slope)) if np.isfinite(slope) else best
            if excess <= 0:
                break
        else:
            length = norm(u)
            return WrongSlope(name, best[1] / length, stated / length)
    return None


def _rms(w: Parameters) -> float:
    entries = sum(host(a).size for a in w.values())
    return norm(w) / float(np.sqrt(max(entries, 1)))


def _direction(
    name: str, w: Parameters, gradient: Array, size: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Return a random direction of one parameter, leaning to its gradient, entries about size."""
    lean = host(gradient)
    lean = lean / (_rms({"": lean}) or 1.0)
    blocks = {n: np.zeros(tuple(a.shape)) for n, a in w.items()}
    blocks[name] = size * (rng.standard_normal(lean.shape) + lean) / np.sqrt(2.0)
    return {n: cast(blocks[n], a) for n, a in w.items()}
