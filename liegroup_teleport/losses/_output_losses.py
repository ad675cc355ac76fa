"""What compares a network's outputs with targets: value, residual and curvature in the outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._arrays import Array, cast
from .._errors import DomainError

__all__ = ["OUTPUT_LOSSES", "CrossEntropy", "SquaredError"]


@dataclass(frozen=True)
class SquaredError:
    """Half the squared distance, summed over the batch."""

    name: ClassVar[str] = "mse"

    def check(self, targets: np.ndarray, samples: int, outputs: int) -> None:
        """Raise unless ``targets`` are finite numbers of shape (samples, outputs)."""
        if targets.shape != (samples, outputs):
            raise ValueError(
                f"targets have shape {targets.shape}; expected ({samples}, {outputs}): "
                "(samples, outputs) for loss 'mse'"
            )
        if targets.dtype == np.dtype(object):
            return
        if not np.all(np.isfinite(targets)):
            raise DomainError(
                f"targets have {int(np.sum(~np.isfinite(targets)))} entries that are not finite"
            )

    def encode(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """Return the targets as the other methods expect them."""
        return targets

    def value(self, xp: Any, out: Array, targets: Array) -> Any:
        """Return the loss, a 0-d array."""
        difference = out - targets
        return (difference * difference).sum() / 2

    def residual(self, xp: Any, out: Array, targets: Array) -> tuple[Any, Array]:
        """Return the loss and its derivative (samples, outputs) in the outputs."""
        difference = out - targets
        return (difference * difference).sum() / 2, difference

    def steepest(self, samples: int) -> float:
        """Return a bound on the second derivatives in the outputs."""
        return 1.0

    def curvature(self, xp: Any, out: Array, targets: Array) -> Callable[[Array], Array]:
        """Return ``u -> H u`` with the Hessian H in the outputs."""
        return lambda u: u

    def curvature_root(self, xp: Any, out: Array, targets: Array, samples: int) -> Array:
        """Return R (n, outputs, outputs) with ``R^T R`` the Hessian in some of the outputs."""
        return out[:, :, None] * 0 + _identity(out)


@dataclass(frozen=True)
class CrossEntropy:
    """The mean over the batch of the negative log-probability of the label under softmax.

    Everything is computed from the differences to the label's output: a loss of 1e-12 and its
    gradient keep all their digits, where log-sum-exp minus output would leave none.
    """

    name: ClassVar[str] = "cross_entropy"

    def check(self, targets: np.ndarray, samples: int, outputs: int) -> None:
        """Raise unless ``targets`` are integer labels (samples,) in [0, outputs)."""
        if outputs < 2:
            raise ValueError(
                f"cross_entropy has {outputs} class, from the last of widths; expected at least 2"
            )
        if targets.shape != (samples,):
            raise ValueError(
                f"targets have shape {targets.shape}; expected ({samples},): "
                "one integer label per sample for loss 'cross_entropy'"
            )
        if targets.dtype.kind not in "iu":
            raise TypeError(
                f"targets have dtype {targets.dtype}; expected integer labels for 'cross_entropy'"
            )
        bad = np.flatnonzero((targets < 0) | (targets >= outputs))
        if bad.size:
            raise ValueError(
                f"targets[{bad[0]}] is label {targets[bad[0]]}; expected labels from 0 to "
                f"{outputs - 1} ({bad.size} of {samples} labels are outside)"
            )

    def encode(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """Return the labels as one-hot rows."""
        return np.asarray(targets[:, None] == np.arange(outputs), dtype=np.float64)

    def _odds(self, xp: Any, out: Array, onehot: Array) -> tuple[Array, Array, Array, Array]:
        """Return shift m, e^-m, the other classes' exponentials and their sum, per sample."""
        if isinstance(out, np.ndarray) and out.dtype == np.dtype(object):
            raise TypeError("cross_entropy needs numbers; use loss='mse' for symbolic arrays")
        u = out - xp.sum(onehot * out, axis=1, keepdims=True)
        m = xp.max(u, axis=1, keepdims=True)  # at least 0, which the label itself has
        others = xp.exp(u - m) * (1 - onehot)
        return m, xp.exp(-m), others, xp.sum(others, axis=1, keepdims=True)

    def value(self, xp: Any, out: Array, targets: Array) -> Any:
        """Return the loss, a 0-d array."""
        m, _, _, total = self._odds(xp, out, targets)
        return xp.mean(m + xp.log1p(xp.expm1(-m) + total))

    def residual(self, xp: Any, out: Array, targets: Array) -> tuple[Any, Array]:
        """Return the loss and its derivative (samples, outputs) in the outputs."""
        m, label, others, total = self._odds(xp, out, targets)
        value = xp.mean(m + xp.log1p(xp.expm1(-m) + total))
        return value, (others - targets * total) / ((label + total) * out.shape[0])

    def steepest(self, samples: int) -> float:
        """Return a bound on the second derivatives in the outputs: ``p (1 - p) <= 1/4`` each.

        The matrix ``diag(p) - p p^T`` has no eigenvalue above 1/2.
        """
        return 0.5 / samples

    def curvature(self, xp: Any, out: Array, targets: Array) -> Callable[[Array], Array]:
        """Return ``u -> H u`` with the Hessian H in the outputs."""
        _, label, others, total = self._odds(xp, out, targets)
        p = (others + targets * label) / (label + total)
        weight = p / out.shape[0]

        def product(u: Array) -> Array:
            shifted = u - xp.sum(targets * u, axis=1, keepdims=True)
            return weight * (shifted - xp.sum(p * shifted, axis=1, keepdims=True))

        return product

    def curvature_root(self, xp: Any, out: Array, targets: Array, samples: int) -> Array:
        """Return R (n, outputs, outputs) with ``R^T R`` the Hessian in n of all samples' outputs.

        ``diag(p) - p p^T = (I - 1 p^T)^T diag(p) (I - 1 p^T)``.
        """
        _, label, others, total = self._odds(xp, out, targets)
        p = (others + targets * label) / (label + total)
        # 1 - p without cancellation at the label
        rest = (total - others + (1 - targets) * label) / (label + total)
        one = _identity(out)
        root = one * rest[:, None, :] - (1 - one) * p[:, None, :]
        return (p / samples)[:, :, None] ** 0.5 * root


def _identity(like: Array) -> Array:
    return cast(np.eye(like.shape[1]), like)


OUTPUT_LOSSES = {kind.name: kind for kind in (SquaredError, CrossEntropy)}
