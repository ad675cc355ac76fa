"""Which singular values are zero, and how clear that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Decision", "decide_rank"]

CLEAR = 30.0  # gap in the values from which on a decision is clear
MARGIN = 3.0  # and distance from the noise level
CLUSTER = 1e3  # gap that sets a cluster of small values apart where no noise level is known
SMALL = 1e-5  # and how small they must be


@dataclass(frozen=True)
class Decision:
    """The rank, the gap below it, the noise level allowed for, and words for them."""

    rank: int
    gap: float
    noise: float
    clear: bool
    message: str


def decide_rank(values: np.ndarray, rows: int, n: int, noise: float, known: bool) -> Decision:
    """Decide how many singular values are not zero.

    Noise moves singular values by no more than its own largest one (Weyl's
    inequality). Relative noise delta, independent at the rows and spread over the n
    entries of a gradient, has a largest one of about ``delta sqrt(rows / n)``; twice
    that is allowed for.

    Parameters
    ----------
    values : array
        Singular values in decreasing order, not scaled.
    rows : int
        Number of rows, each of length one.
    n : int
        Number of entries of a gradient.
    noise : float
        Relative noise of the rows, at least what rounding causes.
    known : bool
        Whether that is the noise, or only the least it can be: then a cluster of
        small values far below all others may count as zero too.
    """
    top = float(values[0])
    relative = values / top
    unit = 2 * np.sqrt(rows / n) / top
    level = noise * unit
    rank = int(np.sum(relative > level))
    if not known and rank == len(relative):
        ratios = relative[:-1] / relative[1:] if rank > 1 else np.zeros(0)
        below = relative[1:] <= SMALL
        k = int(np.argmax(np.where(below, ratios, 0.0))) if np.any(below) else -1
        if k >= 0 and ratios[k] >= CLUSTER:
            found = float(relative[k + 1]) / unit
            return Decision(
                k + 1, float(ratios[k]), found, True,
                f"{rank - k - 1} singular values lie a factor {ratios[k]:.2g} below the others, at "
                f"{relative[k + 1]:.2g}: taken for zeros with that much noise, which is more than "
                "rounding makes",
            )  # fmt: skip
        if k >= 0 and ratios[k] >= CLEAR:
            return Decision(
                rank, float(ratios[k]), noise, False,
                f"{rank - k - 1} singular values lie a factor {ratios[k]:.2g} below the others, at "
                f"{relative[k + 1]:.2g}: neither clearly zero nor clearly not; none was taken for "
                "a symmetry",
            )  # fmt: skip
    largest_zero = float(relative[rank]) if rank < len(relative) else level
    kept = float(relative[rank - 1]) if rank else 1.0
    gap = kept / max(largest_zero, float(np.finfo(np.float64).eps))
    clear = rank == 0 or kept >= MARGIN * level
    if 0 < rank < len(relative):
        clear = clear and kept >= CLEAR * largest_zero
    message = (
        f"{len(relative) - rank} of {len(relative)} singular values are zero: the smallest other "
        f"is {kept:.2g}, the noise level {level:.2g}"
    )
    return Decision(rank, gap, noise, clear, message)
