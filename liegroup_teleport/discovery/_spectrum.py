"""Which singular values are zero, and how clear that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Decision", "decide_rank", "noise_level"]

CLEAR = 30.0  # gap in the values from which on a decision is clear
MARGIN = 3.0  # and distance from the noise level
SMALL = 1e-5  # what lies below a gap, and is that small, may be a symmetry that is nearly one


@dataclass(frozen=True)
class Decision:
    """The rank, how many values could be zero at least and at most, the gap, and words for it."""

    rank: int
    least: int
    most: int
    gap: float
    message: str

    @property
    def clear(self) -> bool:
        """Whether there is one answer only."""
        return self.least == self.most


def noise_level(rows: int, unknowns: int) -> float:
    """Return the largest singular value that noise of unit size makes: zero if not above it.

    A matrix of independent rows with uncorrelated entries of size one stays below
    ``sqrt(rows) + sqrt(unknowns)`` with near certainty; entries here are products of noise and
    parameters and have longer tails, hence the factor.
    """
    return 1.5 * float(np.sqrt(rows) + np.sqrt(min(rows, unknowns)))


def decide_rank(values: np.ndarray, level: float, known: bool, small: float = SMALL) -> Decision:
    """Decide how many singular values are not zero.

    Noise moves singular values by no more than its own largest one (Weyl's inequality).

    Parameters
    ----------
    values : array (k,)
        Singular values in decreasing order.
    level : float
        The largest one that noise may have.
    known : bool
        Whether that is all that gradients may be wrong by. If not, values far below the others
        may be zeros of gradients with a smooth error, such as one-sided differences have, as well
        as symmetries that are slightly broken: they count as undecided.
    small : float
        How far below the largest one that may be.
    """
    rank = int(np.sum(values > level))
    zeros = len(values) - rank
    kept = float(values[rank - 1]) if rank else np.inf
    largest_zero = float(values[rank]) if zeros else level
    floor = max(float(values[0]) * float(np.finfo(np.float64).eps), 1e-300)
    gap = (kept if rank else float(values[0])) / max(largest_zero, floor)
    message = (
        f"{zeros} of {len(values)} singular values are zero: the smallest other is "
        f"{kept / level:.2g} times the noise level"
        if rank
        else f"all {len(values)} singular values are below the noise level"
    )
    if not rank:
        return Decision(0, 0, len(values), gap, message)
    if kept < MARGIN * level or (zeros and kept < CLEAR * largest_zero):
        most = int(np.sum(values <= max(MARGIN * level, CLEAR * largest_zero)))
        least = int(np.sum(values < largest_zero / CLEAR)) if zeros else 0
        return Decision(rank, least, most, gap, message)
    ratios = values[: rank - 1] / values[1:rank] if rank > 1 else np.zeros(0)
    below = values[1:rank] <= small * values[0]
    near = np.flatnonzero(below & (ratios >= CLEAR))
    if len(near) and not known:
        k = int(near[0]) + 1  # how many are above the first such gap
        return Decision(
            rank, zeros, len(values) - k, gap,
            f"{rank - k} singular values lie a factor {ratios[k - 1]:.2g} below the others and are "
            f"{kept / level:.2g} times the noise that was measured, or more: either symmetries "
            "that are slightly broken, or the gradient has errors that do not look like noise; "
            "none was taken for a symmetry (give noise= to decide)",
        )  # fmt: skip
    return Decision(rank, zeros, zeros, gap, message)
