"""Points to look at: drawn or given, told apart, and whether they are in general position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._arrays import Parameters, check_finite
from ..groups._layout import Layout

__all__ = ["Points", "check_position"]

NARROW = 1e-6  # relative spread: second differences of gradients are rounding then
PATIENCE = 20  # draws in a row that bring nothing new


class Points:
    """Random points, drawn when they are needed, or given ones in their order; no point twice."""

    def __init__(self, sample: Any, rng: np.random.Generator) -> None:
        self.endless = callable(sample)
        if not self.endless and not (isinstance(sample, Sequence) and len(sample)):
            raise TypeError(
                f"sample is a {type(sample).__name__}; expected a function of a random "
                "generator that returns parameters, or a sequence of parameters"
            )
        self._sample, self._rng, self._next = sample, rng, 0
        self._seen: set[bytes] = set()
        self.like = self._one()
        self.layout = Layout.of(self.like)
        self._first: np.ndarray | None = self._flat(self.like)

    def _one(self) -> Parameters:
        if self.endless:
            w: Any = self._sample(self._rng)
        else:
            self._next += 1
            w = self._sample[self._next - 1]
        if not isinstance(w, Mapping):
            what = "sample(rng) returned" if self.endless else "sample holds"
            raise TypeError(f"{what} a {type(w).__name__}; expected a dict of arrays")
        check_finite(w)
        return w

    def _flat(self, w: Parameters) -> np.ndarray:
        shapes = Layout.of(w).shapes
        if shapes != self.layout.shapes:
            raise ValueError(
                f"a sample has parameters {shapes}; the first has {self.layout.shapes}"
            )
        return self.layout.flatten(w)

    @property
    def seen(self) -> int:
        """How many different points there were."""
        return len(self._seen)

    def new(self) -> np.ndarray | None:
        """Return the entries (n,) of a point not seen before, ``None`` if there is no more."""
        for _ in range(PATIENCE):
            if self._first is not None:
                y, self._first = self._first, None
            elif self.endless or self._next < len(self._sample):
                y = self._flat(self._one())
            else:
                return None
            if y.tobytes() not in self._seen:
                self._seen.add(y.tobytes())
                return y
        return None

    def fresh(self, count: int) -> list[np.ndarray]:
        """Return further points that no equation came from; given ones do not have any."""
        found = [self.new() for _ in range(count)] if self.endless else []
        return [y for y in found if y is not None]


def check_position(Y: np.ndarray, labels: Sequence[str], ansatz: str) -> None:
    """Raise ``ValueError`` where the points leave a direction of the parameters unseen.

    A field that vanishes at all points is no symmetry that the gradients could deny.

    Parameters
    ----------
    Y : array (points, n)
    labels : sequence of str
        Names of the n entries.
    ansatz : {"linear", "affine", "diagonal"}
    """
    if len(Y) == 1:
        raise ValueError(
            "sample returned the same point every time; expected random points in general position"
        )
    still = np.ptp(Y, axis=0) == 0 if ansatz == "affine" else np.all(Y == 0, axis=0)
    if np.any(still):
        names = [label for label, same in zip(labels, still, strict=True) if same]
        raise ValueError(
            f"the sampled points all have the same {', '.join(names[:5])}"
            f"{f' and {len(names) - 5} more' if len(names) > 5 else ''}: how the loss depends on "
            "what does not vary cannot be seen; expected random points in general position"
        )
    largest = np.max(np.abs(Y), axis=0)
    spread = float(np.max(np.ptp(Y / largest, axis=0)))
    if spread < NARROW:
        raise ValueError(
            f"the sampled points differ by only {spread:.1g} of their size: how the gradient "
            "changes drowns in rounding; expected random points in general position"
        )
    if ansatz == "diagonal":
        return
    sizes = np.sqrt(np.mean(np.square(Y / largest), axis=0))
    seen = Y / (largest * sizes)
    if ansatz == "affine":
        seen = np.hstack([seen, np.ones((len(Y), 1))])
    values = np.linalg.svd(seen, compute_uv=False)
    rank = int(np.sum(values > 16 * max(seen.shape) * np.finfo(float).eps * values[0]))
    if rank < min(seen.shape[1], len(Y)):
        kind = "an affine space" if ansatz == "affine" else "a linear space"
        raise ValueError(
            f"the sampled points lie in {kind} of dimension {rank - (ansatz == 'affine')}, of "
            f"{Y.shape[1]}: fields that vanish there cannot be told from symmetries; expected "
            "random points in general position"
        )
