"""The linear equations that gradients at points give for a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters, epsilon
from .._errors import DomainError
from ._noise import asymmetry, entry_noise
from ._points import Points, check_position
from ._units import equilibrate

__all__ = ["Equations", "Field", "oracle", "sampled"]

OVERSAMPLING = 1.2  # more equations than unknowns, so that noise averages out
ROUNDING = 64.0  # units in the last place that an entry of a gradient may be off, at the least
PROBED = 4  # points at which the noise is measured


@dataclass(frozen=True)
class Field:
    """What gives the rows of the equations: gradients, or Jacobians of outputs, of flat points."""

    oracle: Callable[[Parameters], Any]
    points: Points
    level: str

    def rows(self, y: np.ndarray, compress: bool = True) -> np.ndarray:
        """Return the gradient at a flat point, or the Jacobian or an R factor of it, (m, n)."""
        layout = self.points.layout
        w = layout.restore(y, self.points.like)
        given = layout.flatten(w)
        result = self.oracle(w)
        now = layout.flatten(w)
        for name, window in layout.windows.items():
            if not np.array_equal(now[window], given[window], equal_nan=True):
                raise ValueError(f"gradient wrote into its argument: parameter {name!r} changed")
        leading = ("outputs",) if self.level == "function" else ()
        if not isinstance(result, Mapping):
            raise TypeError(f"gradient returned a {type(result).__name__}; expected a dict")
        blocks = []
        for name, shape in layout.shapes.items():
            if name not in result:
                raise ValueError(f"gradient: missing {name!r}; it has {sorted(result)}")
            block = np.asarray(result[name])
            if tuple(block.shape[len(leading) :]) != shape:
                raise ValueError(
                    f"gradient {name!r} has shape {tuple(block.shape)}; expected "
                    f"{(*leading, *shape) if leading else shape}"
                )
            blocks.append(block.reshape(-1 if leading else 1, int(np.prod(shape))))
        J = np.concatenate(blocks, axis=1).astype(np.float64)
        if not np.all(np.isfinite(J)):
            raise DomainError("the gradient has entries that are not finite")
        if compress and len(J) > J.shape[1]:
            largest = float(np.max(np.abs(J))) or 1.0
            R = scipy.linalg.qr(J / largest, mode="r", check_finite=False)[0]
            J = R[: J.shape[1]] * largest
        return J


@dataclass(frozen=True)
class Equations:
    """Units of the unknowns, and the equations in them: noise has size one, per entry.

    The unknown ``X_ij`` is what multiplies ``dL/dw_i`` and ``w_j``; it is counted in units of
    the noise of ``dL/dw_i`` and of the size of ``w_j``. In such units the singular values of the
    equations of an exact symmetry are about the root of their number, whatever the units of the
    parameters are.
    """

    field: Field
    ansatz: str
    slopes: np.ndarray  # (n,), of the derivatives; lines of a row are in units of these
    sizes: np.ndarray  # (n,), of the parameters
    noise: np.ndarray  # (n,), of the derivatives, relative to their units
    unsymmetric: float  # how far second derivatives are from symmetric, relative

    @property
    def n(self) -> int:
        """Number of parameters."""
        return len(self.sizes)

    @property
    def columns(self) -> int:
        """Number of unknowns."""
        return columns(self.n, self.ansatz)

    def at(self, J: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the equations of rows ``J`` (m, n) at ``y`` (n,), shape (m', columns)."""
        J = J[np.any(J != 0, axis=1)]
        if not len(J):
            return np.zeros((0, self.columns))
        scaled = J / self.slopes
        scaled = scaled / (_line(scaled) * self.noise)
        z = y / self.sizes
        if self.ansatz == "diagonal":
            return np.asarray(scaled * z)
        z = np.append(z, 1.0) if self.ansatz == "affine" else z
        z = z / max(1.0, float(np.sqrt(np.mean(z**2))))
        return np.asarray((scaled[:, :, None] * z).reshape(len(J), self.columns))

    @property
    def weights(self) -> np.ndarray:
        """What to multiply solutions by, (columns,): from units to entries of generators.

        Their geometric mean is one: a common factor of all generators means nothing.
        """
        derivatives = _centred(self.slopes) * _centred(self.noise)
        if self.ansatz == "diagonal":
            return 1.0 / (derivatives * _centred(self.sizes))
        sizes = np.append(self.sizes, 1.0) if self.ansatz == "affine" else self.sizes
        return np.outer(1.0 / derivatives, 1.0 / _centred(sizes)).ravel()

    def generators(self, vectors: np.ndarray) -> np.ndarray:
        """Return the matrices or diagonals of weighted solutions (d, columns)."""
        n, d = self.n, len(vectors)
        if self.ansatz == "diagonal":
            return vectors
        if self.ansatz == "linear":
            return vectors.reshape(d, n, n)
        matrices = np.zeros((d, n + 1, n + 1))
        matrices[:, :n] = vectors.reshape(d, n, n + 1)
        return matrices


def _centred(sizes: np.ndarray) -> np.ndarray:
    return np.asarray(sizes / np.exp(np.mean(np.log(sizes))))


def columns(n: int, ansatz: str) -> int:
    """Return the number of unknowns for n parameters."""
    return {"linear": n * n, "affine": n * (n + 1), "diagonal": n}[ansatz]


def oracle(gradient: Any, level: str) -> Callable[[Parameters], Any]:
    """Return the function to call: the thing itself, or the method of a loss."""
    method = "gradient" if level == "loss" else "output_jacobian"
    if hasattr(gradient, method):
        return getattr(gradient, method)  # type: ignore[no-any-return]
    if callable(gradient):
        return gradient  # type: ignore[no-any-return]
    raise TypeError(
        f"gradient is a {type(gradient).__name__}; expected a function of the parameters or an "
        f"object with a method {method}"
    )


def sampled(
    field: Field, ansatz: str, given_noise: float | None
) -> tuple[Equations, np.ndarray, int, list[np.ndarray], int]:
    """Ask for as many gradients as there are unknowns, and a fifth more.

    Returns
    -------
    equations : Equations
        In units that the gradients themselves suggest.
    R : array (columns, columns)
        An R factor of all equations; a matrix of few rows is filled up with zeros.
    rows : int
        How many equations there were.
    places : list of array (n,)
        The points where there were any.
    count : int
        At how many points.
    """
    points = field.points
    n = points.layout.size
    needed = OVERSAMPLING * columns(n, ansatz) + 20
    blocks: list[np.ndarray] = []
    places: list[np.ndarray] = []
    independent = 0
    while independent < needed and len(places) <= 2 * needed:
        y = points.new()
        if y is None:
            break
        places.append(y)
        J = field.rows(y)
        blocks.append(J)
        if np.any(J):
            independent += _rank(J) if len(J) > 1 else 1
    if not any(np.any(J) for J in blocks):
        raise ValueError(
            f"the gradient is zero at all {len(places)} points: the loss does not change there"
        )
    check_position(np.stack(places), points.layout.labels, ansatz)
    if points.endless and independent < needed:
        raise ValueError(
            f"sample returned only {len(places)} different points, which give {independent} "
            f"equations for {columns(n, ansatz)} unknowns; expected random points"
        )
    equations = _in_units(field, ansatz, blocks, places, given_noise)
    A = np.concatenate([equations.at(J, y) for J, y in zip(blocks, places, strict=True)])
    rows = len(A)
    R = scipy.linalg.qr(A, mode="r", overwrite_a=True, check_finite=False)[0]
    R = R[: equations.columns]
    if len(R) < equations.columns:
        R = np.vstack([R, np.zeros((equations.columns - len(R), equations.columns))])
    useful = [y for J, y in zip(blocks, places, strict=True) if np.any(J)]
    return equations, R, rows, useful, len(places)


def _line(scaled: np.ndarray) -> float:
    """Return the size of the derivatives at a point, in their units."""
    # of all rows together: single ones may be nothing but the rounding of a Jacobian of low rank
    return float(np.mean(_column_sizes(scaled)))


def _rank(J: np.ndarray) -> int:
    largest = np.max(np.abs(J), axis=0)
    return int(np.linalg.matrix_rank(J / np.where(largest > 0, largest, 1.0)))


def _in_units(
    field: Field,
    ansatz: str,
    blocks: list[np.ndarray],
    places: list[np.ndarray],
    given_noise: float | None,
) -> Equations:
    """Return the equations in units of the points, the derivatives, and the noise of these."""
    rows = np.stack([_column_sizes(J) for J in blocks if np.any(J)])
    largest = float(np.max(rows))
    slopes, _ = equilibrate(rows)
    sizes, lengths = equilibrate(np.stack(places))
    sizes = sizes * float(np.median(lengths))
    eps = epsilon(field.points.like)
    probed = places[:: max(1, len(places) // PROBED)][:PROBED]
    relative = [
        entry_noise(lambda z: field.rows(z, compress=False), y, sizes, eps) / (slopes * line)
        for y in probed
        for line in [_line(field.rows(y, compress=False) / slopes)]
        if line > 0
    ]
    measured = np.median(relative, axis=0) if relative else np.zeros(len(slopes))
    if given_noise is not None:  # relative to the length of a gradient, spread over its entries
        spread = largest * np.sqrt(np.mean((rows / largest) ** 2, axis=1))
        lines = np.mean(rows / slopes, axis=1)
        measured = np.maximum(measured, given_noise * np.median(spread / lines) / slopes)
    noise = np.maximum(1.5 * measured, ROUNDING * eps)
    smooth = [
        asymmetry(lambda z: field.rows(z)[0], y, sizes, slopes, float(np.median(noise)))
        for y in (probed if field.level == "loss" else [])
    ]
    unsymmetric = float(np.median(smooth)) if smooth else 0.0
    return Equations(field, ansatz, slopes, sizes, noise, unsymmetric)


def _column_sizes(J: np.ndarray) -> np.ndarray:
    largest = np.max(np.abs(J), axis=0, initial=0.0)
    scaled = J / np.where(largest > 0, largest, 1.0)
    return np.asarray(largest * np.sqrt(np.mean(scaled**2, axis=0)))
