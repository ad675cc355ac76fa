"""An output loss for proofs about every loss that is blind to shifts of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Differences"]


class Differences:
    """An output loss in the place of softmax's: it sees differences d of the outputs only.

    ``<T, d> + |d|^2 / 2`` with d the outputs minus the last: its derivative takes every value
    that is blind to shifts, and its curvature is not zero.
    """

    name = "differences"

    def encode(self, targets: Any, outputs: int) -> Any:
        return targets

    def value(self, xp: Any, out: Any, targets: Any) -> Any:
        d = out - out[:, -1:]
        return (targets * d).sum() + (d * d).sum() / 2

    def residual(self, xp: Any, out: Any, targets: Any) -> tuple[Any, Any]:
        return self.value(xp, out, targets), self._pull_back(targets + out - out[:, -1:])

    def curvature(self, xp: Any, out: Any, targets: Any) -> Callable[[Any], Any]:
        return lambda u: self._pull_back(u - u[:, -1:])

    @staticmethod
    def _pull_back(p: Any) -> Any:
        p = p.copy()
        p[:, -1] = -p[:, :-1].sum(axis=1)
        return p
