"""One-angle groups: the objective as a trigonometric polynomial, maximised globally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

__all__ = ["AngleResult", "search_angle"]

SAMPLES = (128, 1024)  # the second where the first do not determine the objective


@dataclass(frozen=True)
class AngleResult:
    """The best angle, its value, and what was proved.

    Attributes
    ----------
    angle, value : float
    bound : float or None
        Upper bound on the maximum over all angles, from Bernstein's inequality,
        where the objective is a trigonometric polynomial of known degree.
    proved, on_boundary : bool
    """

    angle: float
    value: float
    bound: float | None
    proved: bool
    on_boundary: bool


def search_angle(f: Callable[[float], float], sign: float, radius: float | None) -> AngleResult:
    """Maximise ``sign * f(angle)`` over the circle, or over ``|angle| <= radius``.

    Samples are equispaced. Where the spectrum ends (a polynomial chart and
    loss) the samples determine f, and its maximum is bounded over all angles.
    """
    for count in SAMPLES:
        angles = 2 * np.pi * np.arange(count) / count
        values = np.array([sign * f(a) for a in angles])
        degree = _degree(values) if np.all(np.isfinite(values)) else None
        if degree is not None:
            break
    limit = np.pi if radius is None or radius >= np.pi else radius
    signed = np.where(angles > np.pi, angles - 2 * np.pi, angles)
    inside = np.abs(signed) <= limit
    safe = np.where(np.isfinite(values), values, -np.inf)
    candidates = [(float(safe[0]), 0.0)]
    order = np.argsort(np.where(inside, safe, -np.inf))[::-1]
    gap = 2 * np.pi / count
    peaks = [
        k
        for k in order[: count // 2]
        if inside[k] and safe[k] >= safe[k - 1] and safe[k] >= safe[(k + 1) % count]
    ][:8]
    for k in peaks:
        low, high = max(signed[k] - gap, -limit), min(signed[k] + gap, limit)
        found = minimize_scalar(
            lambda a: -sign * f(a), bounds=(low, high), method="bounded", options={"xatol": 1e-12}
        )
        candidates.append((float(-found.fun), float(found.x)))
    if degree:
        candidates += _at_roots(f, sign, _critical_angles(values, degree), limit)
    if limit < np.pi:
        candidates += [(sign * f(edge), edge) for edge in (-limit, limit)]
    value, angle = max(candidates)
    on_boundary = limit < np.pi and abs(abs(angle) - limit) < 1e-9
    bound = None
    if degree is not None and limit >= np.pi:
        bound = _upper_bound(values, degree, value)
    proved = bound is not None and bound - value <= 1e-4 * abs(value)
    return AngleResult(
        angle, sign * value, None if bound is None else sign * bound, proved, on_boundary
    )


def _degree(values: np.ndarray) -> int | None:
    """Return the degree of the trigonometric polynomial that has these samples, if it is one."""
    size = np.abs(np.fft.rfft(values)) / len(values)
    largest = float(size.max())
    above = np.flatnonzero(size > 1e-12 * largest)
    degree = int(above[-1]) if len(above) else 0
    return degree if degree <= len(values) // 8 else None


def _critical_angles(values: np.ndarray, degree: int) -> np.ndarray:
    """Return the angles where a trigonometric polynomial's derivative vanishes, sorted.

    With ``z = exp(i angle)`` they are the roots on the unit circle of one polynomial in z.
    Samples alone miss valleys narrower than their distance.
    """
    slope = 1j * np.arange(degree + 1) * np.fft.rfft(values)[: degree + 1]
    roots = np.roots(np.concatenate([slope[::-1], np.conj(slope[1:])]))
    return np.sort(np.angle(roots[np.abs(np.abs(roots) - 1) < 1e-3]))


def _at_roots(
    f: Callable[[float], float], sign: float, angles: np.ndarray, limit: float
) -> list[tuple[float, float]]:
    """Refine the best critical angles, each up to halfway to its neighbours."""
    if not len(angles):
        return []
    around = np.concatenate([[angles[-1] - 2 * np.pi], angles, [angles[0] + 2 * np.pi]])
    halfway = (around[1:] + around[:-1]) / 2
    refined = []
    for k in np.argsort([-sign * f(a) for a in angles])[:8]:
        low, high = max(halfway[k], -limit), min(halfway[k + 1], limit)
        if low < high:
            found = minimize_scalar(
                lambda a: -sign * f(a),
                bounds=(low, high),
                method="bounded",
                options={"xatol": 1e-12},
            )
            refined.append((float(-found.fun), float(found.x)))
    return refined


def _upper_bound(values: np.ndarray, degree: int, value: float) -> float:
    """Bound a trigonometric polynomial from its samples.

    It is interpolated on a finer grid of step h (exactly, by a padded Fourier
    transform); between two points it exceeds them by at most
    ``max |f''| h^2 / 8``, and ``max |f''| <= degree^2 max |f - mean|``
    (Bernstein's inequality).
    """
    fine = 32768
    spectrum = np.zeros(fine // 2 + 1, dtype=complex)
    spectrum[: degree + 1] = np.fft.rfft(values)[: degree + 1] * (fine / len(values))
    dense = np.fft.irfft(spectrum, fine)
    spread = float(np.max(np.abs(dense - dense.mean()))) / np.cos(np.pi * degree / fine)
    step = 2 * np.pi / fine
    return max(value, float(dense.max())) + degree**2 * spread * step**2 / 8
