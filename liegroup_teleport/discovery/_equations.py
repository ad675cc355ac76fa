"""Points, and the linear equations that gradients there give for a generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters
from .._errors import DomainError
from ..groups._layout import Layout

__all__ = ["Equations", "Points", "oracle", "sampled"]

OVERSAMPLING = 1.2  # more equations than unknowns, so that noise averages out


class Points:
    """Random points, drawn when they are needed, or given ones in their order."""

    def __init__(self, sample: Any, rng: np.random.Generator) -> None:
        self.endless = callable(sample)
        if not self.endless and not (isinstance(sample, Sequence) and len(sample)):
            raise TypeError(
                f"sample is a {type(sample).__name__}; expected a function of a random "
                "generator that returns parameters, or a sequence of parameters"
            )
        self._sample, self._rng, self._next = sample, rng, 0

    def draw(self) -> Parameters:
        """Return another point."""
        if self.endless:
            return self._sample(self._rng)  # type: ignore[no-any-return]
        self._next += 1
        return self._sample[self._next - 1]  # type: ignore[no-any-return]

    def some(self, count: int) -> list[Parameters]:
        """Return further points, without using up given ones."""
        return [self._sample(self._rng) for _ in range(count)] if self.endless else []

    def all(self) -> list[Parameters]:
        """Return the given points."""
        return list(self._sample)

    @property
    def left(self) -> float:
        """How many points there still are."""
        return np.inf if self.endless else len(self._sample) - self._next


@dataclass(frozen=True)
class Equations:
    """The linear equations that a point gives for the unknown generator."""

    oracle: Callable[[Parameters], Any]
    layout: Layout
    ansatz: str
    level: str

    @property
    def columns(self) -> int:
        """Number of unknowns."""
        n = self.layout.size
        return {"linear": n * n, "affine": n * (n + 1), "diagonal": n}[self.ansatz]

    def rows_at(self, w: Parameters) -> np.ndarray:
        """Return the gradient, or an R factor of the Jacobian, (m, n), of norm 1."""
        n = self.layout.size
        result = self.oracle(w)
        leading = (-1,) if self.level == "function" else ()
        blocks = []
        for name, shape in self.layout.shapes.items():
            if name not in result:
                raise ValueError(f"gradient: missing {name!r}; it has {sorted(result)}")
            block = np.asarray(result[name])
            if tuple(block.shape[len(leading) :]) != shape:
                raise ValueError(
                    f"gradient {name!r} has shape {tuple(block.shape)}; expected "
                    f"{('outputs', *shape) if leading else shape}"
                )
            blocks.append(block.reshape(-1 if leading else 1, int(np.prod(shape))))
        J = np.concatenate(blocks, axis=1).astype(np.float64)
        if not np.all(np.isfinite(J)):
            raise DomainError("the gradient has entries that are not finite")
        size = float(np.linalg.norm(J))
        if not size > 0:
            return np.zeros((0, n))
        J = J / size
        if len(J) > n:
            J = np.linalg.qr(J, mode="r")
        return J

    def repeated_noise(self, points: list[Parameters]) -> float:
        """Return the relative difference of gradients taken twice."""
        worst = 0.0
        for w in points:
            a, b = self.rows_at(w), self.rows_at(w)
            if a.shape == b.shape and a.size:
                worst = max(worst, float(np.linalg.norm(a - b)))
        return worst

    def at(self, w: Parameters, scale: float) -> np.ndarray:
        """Return the equations of one point, (m, columns), each row at most of norm 1."""
        J = self.rows_at(w)
        y = self.layout.flatten(w)
        if self.ansatz == "affine":
            y = np.append(y / scale, 1.0)
        length = float(np.linalg.norm(y))
        y = y / length if length > 0 else y
        if self.ansatz == "diagonal":
            return J * y * np.sqrt(len(y))
        return (J[:, :, None] * y).reshape(len(J), self.columns)

    def weights(self, scale: float) -> np.ndarray:
        """Return what to multiply solutions by: translations are in units of the scale."""
        n = self.layout.size
        if self.ansatz != "affine":
            return np.ones(self.columns)
        return np.tile(np.append(np.ones(n), scale), n)

    def generators(self, vectors: np.ndarray) -> np.ndarray:
        """Return the matrices or diagonals of weighted solutions (d, columns)."""
        n, d = self.layout.size, len(vectors)
        if self.ansatz == "diagonal":
            return vectors
        if self.ansatz == "linear":
            return vectors.reshape(d, n, n)
        matrices = np.zeros((d, n + 1, n + 1))
        matrices[:, :n] = vectors.reshape(d, n, n + 1)
        return matrices

    def violation(self, vectors: np.ndarray, points: list[Parameters], scale: float) -> float:
        """Return the largest ``|<J, X w + c>|`` over unit generators."""
        if not len(vectors):
            return 0.0
        units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
        return max(
            (float(np.max(np.abs(self.at(w, scale) @ units.T), initial=0.0)) for w in points),
            default=0.0,
        )


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
    equations: Equations, points: Points, first: Parameters
) -> tuple[np.ndarray, int, int, float]:
    """Collect equations until there are enough; return their R factor and counts.

    A point of a Jacobian of rank r gives r equations, a gradient one.
    """
    # the unit of length, that translations and linear parts weigh the same
    some = [equations.layout.flatten(w) for w in (first, *points.some(8))]
    scale = float(np.sqrt(np.mean(np.square(some)))) or 1.0
    needed = OVERSAMPLING * equations.columns + 20
    block, blocks, rank, count = equations.at(first, scale), [], 0, 1
    empty = 0
    while True:
        if len(block):
            blocks.append(block)
            rank += int(np.linalg.matrix_rank(block)) if len(block) > 1 else 1
        else:
            empty += 1
        if rank >= needed or points.left < 1 or empty > needed:
            break
        w = points.draw()
        if Layout.of(w).shapes != equations.layout.shapes:
            raise ValueError(
                f"sample {count} has parameters {Layout.of(w).shapes}; the first has "
                f"{equations.layout.shapes}"
            )
        block = equations.at(w, scale)
        count += 1
    if not blocks:
        raise ValueError(
            f"the gradient is zero at all {count} points: the loss does not change there"
        )
    A = np.concatenate(blocks)
    rows = len(A)
    R = scipy.linalg.qr(A, mode="r", overwrite_a=True, check_finite=False)[0]
    R = R[: equations.columns]
    if len(R) < equations.columns:
        R = np.vstack([R, np.zeros((equations.columns - len(R), equations.columns))])
    return R, rows, count, scale
