r"""Functions of one angle: trigonometric polynomials of known degree, maximised with a proof.

With ``p(t) = sum_k c_k exp(ikt)`` the second derivative is at most ``sum_k k^2 |c_k|`` in size, so
that around a point at distance at most h

.. math:: p(t + s) \le p(t) + |p'(t)| h + \tfrac12 h^2 \sum_k k^2 |c_k|,

and intervals whose bound is not above the best value are left out. Without a degree samples
prove nothing: what happens between them is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

__all__ = ["AngleResult", "Polynomial", "search_angle"]

SAMPLES = 1024  # of a function of unknown degree
MOST = 4096  # degree up to which samples determine a polynomial
CHECKS = 7  # angles off the grid at which a stated degree is tested
NOISE = 1e-9  # of the sum of the coefficients: more than rounding refutes a stated degree
SHARP = 1e-13  # of the sum of the coefficients, to which the maximum is enclosed
SPLITS = 60
INSIDE = 1 - 4e-16  # factor on the radius that rounding of a rotation does not leave
MANY = 200_000  # intervals that are looked at, at most


@dataclass(frozen=True)
class AngleResult:
    """The best angle, its value, and what was proved.

    Attributes
    ----------
    angle, value : float
    bound : float or None
        On the objective over all angles allowed, where it is a polynomial of known degree.
    scale : float
        The size of the function: what rounding is relative to.
    on_boundary : bool
    """

    angle: float
    value: float
    bound: float | None
    scale: float
    on_boundary: bool

    @property
    def proved(self) -> bool:
        """Whether the value is the best to a relative 1e-8, or to the rounding of its scale."""
        if self.bound is None:
            return False
        return abs(self.bound - self.value) <= 1e-8 * abs(self.value) + 1e-11 * self.scale


@dataclass(frozen=True)
class Polynomial:
    """A real trigonometric polynomial of angles in units of its period.

    Attributes
    ----------
    coefficients : array (degree + 1,)
        Complex; of ``exp(ikt)``, and the conjugate of ``exp(-ikt)``, k > 0 twice the part.
    noise : float
        By how much the function sampled may differ from it.
    """

    coefficients: np.ndarray
    noise: float

    @classmethod
    def of(cls, f: Callable[[float], float], degree: int) -> Polynomial | None:
        """Interpolate a function of the circle; ``None`` where it is not of that degree."""
        if degree > MOST:
            return None
        count = 4 * degree + 8
        values = np.array([f(t) for t in 2 * np.pi * np.arange(count) / count])
        if not np.all(np.isfinite(values)):
            return None
        spectrum = np.fft.rfft(values) / count
        coefficients = spectrum[: degree + 1]
        coefficients[1:] *= 2
        beyond = float(np.sum(np.abs(spectrum[degree + 1 :]))) * 2
        found = cls(coefficients, 0.0)
        off = np.random.default_rng(0).uniform(0, 2 * np.pi, CHECKS)
        missed = max(abs(f(t) - float(found.at(np.array([t]))[0][0])) for t in off)
        noise = max(beyond, missed)
        if not noise <= NOISE * found.scale:
            return None
        return cls(coefficients, 4 * noise)

    @property
    def scale(self) -> float:
        """Sum of the sizes of the coefficients: no value is larger."""
        return float(np.sum(np.abs(self.coefficients)))

    def at(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values and derivatives at angles (m,)."""
        k = np.arange(len(self.coefficients))
        value, slope = np.empty(len(t)), np.empty(len(t))
        step = max(1, 10**6 // len(k))
        for i in range(0, len(t), step):
            waves = np.exp(1j * np.outer(t[i : i + step], k)) * self.coefficients
            value[i : i + step] = waves.real.sum(axis=1)
            slope[i : i + step] = (1j * waves * k).real.sum(axis=1)
        return value, slope

    def maximum(self, low: float, high: float) -> tuple[float, float]:
        """Return an angle in ``[low, high]`` where it is largest, and a proved upper bound.

        The bound is on the function that was sampled, to its noise.
        """
        k = np.arange(len(self.coefficients))
        bend = float(np.sum(k**2 * np.abs(self.coefficients)))
        count = max(64, 8 * len(k))
        half = (high - low) / (2 * count)
        centres = low + half * (2 * np.arange(count) + 1)
        best, angle, left_out = -np.inf, low, -np.inf
        tolerance = SHARP * self.scale
        for _ in range(SPLITS):
            value, slope = self.at(centres)
            top = int(np.argmax(value))
            if value[top] > best:
                best, angle = float(value[top]), float(centres[top])
            above = value + np.abs(slope) * half + bend * half**2 / 2
            open_ = above > best + tolerance
            left_out = max(left_out, float(np.max(above[~open_], initial=-np.inf)))
            if not np.any(open_):
                above = above[:0]
                break
            above, centres = above[open_], centres[open_]
            if 2 * len(centres) > MANY:
                break
            half /= 2
            centres = np.concatenate([centres - half, centres + half])
        bound = max(float(np.max(above, initial=-np.inf)), left_out, best)
        return angle, float(bound + self.noise + tolerance)


def search_angle(
    f: Callable[[float], float],
    sign: float,
    radius: float | None,
    *,
    period: float = 2 * np.pi,
    degree: int | None = None,
) -> AngleResult:
    """Maximise ``sign * f(angle)`` over one period, or over ``|angle| <= radius``.

    Parameters
    ----------
    f : callable
        Of period ``period``.
    sign : float
        +1 or -1.
    radius : float or None
    period : float
    degree : int, optional
        Of f as a trigonometric polynomial of ``2 pi angle / period``, where that is known.
    """
    limit = period / 2 if radius is None else min(radius * INSIDE, period / 2)
    unit = period / (2 * np.pi)

    def signed(t: float) -> float:
        return sign * f(unit * t)

    polynomial = None if degree is None else Polynomial.of(signed, degree)
    candidates = [(signed(0.0), 0.0)]
    bound, scale = None, 0.0
    if polynomial is not None:
        top, bound = polynomial.maximum(-limit / unit, limit / unit)
        scale = polynomial.scale
        around = [(top, np.pi / (8 * len(polynomial.coefficients)))]
    else:
        around = _peaks(signed, limit / unit)
    for centre, gap in around:
        low, high = max(centre - gap, -limit / unit), min(centre + gap, limit / unit)
        candidates += [(_finite(signed(t)), t) for t in (low, centre, high)]
        if low < high:
            found = minimize_scalar(
                lambda t: -_finite(signed(t)),
                bounds=(low, high),
                method="bounded",
                options={"xatol": 1e-12},
            )
            candidates.append((float(-found.fun), float(found.x)))
    value, t = max(candidates)
    if bound is not None:
        bound = max(bound, value)
    on_boundary = limit < period / 2 and limit - abs(unit * t) < 1e-9 * limit
    return AngleResult(
        unit * t, sign * value, None if bound is None else sign * bound, scale, on_boundary
    )


def _peaks(f: Callable[[float], float], limit: float) -> list[tuple[float, float]]:
    """Return the best of dense samples, and how far they are apart."""
    angles = np.linspace(-limit, limit, SAMPLES + 1)
    values = np.array([_finite(f(t)) for t in angles])
    padded = np.concatenate([[-np.inf], values, [-np.inf]])
    peaks = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]))
    best = peaks[np.argsort(values[peaks])[::-1][:8]]
    return [(float(angles[k]), 2 * limit / SAMPLES) for k in best]


def _finite(value: float) -> float:
    return value if np.isfinite(value) else -np.finfo(float).max
