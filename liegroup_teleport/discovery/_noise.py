"""How accurate gradients are, entry by entry: from differences of high order.

Along a short line the sixth difference of a smooth function vanishes, and that of its errors
does not: seven equally spaced gradients show the noise of each entry, whether it changes from
call to call, comes from rounding or from differences inside the oracle. Two lengths of line are
looked at, since errors may be constant over the shorter one. [MW11] Moré & Wild, *Estimating
computational noise*, SIAM J. Sci. Comput. 33(3), 2011.

Smooth errors, such as those of one-sided differences, are not seen that way. What they break is
that second derivatives are symmetric.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

__all__ = ["asymmetry", "entry_noise"]

CALLS = 7
ORDERS = (4, 5, 6)
DIRECTIONS = 12  # parameters that are moved to look at second derivatives
LOUD = 1e-7  # noise beside which second derivatives say nothing
LENGTHS = (0.6, 0.33)  # powers of the unit roundoff, relative to the point


def entry_noise(
    gradient: Callable[[np.ndarray], np.ndarray], y: np.ndarray, sizes: np.ndarray, eps: float
) -> np.ndarray:
    """Return the standard deviation of the error of each entry at a point.

    Parameters
    ----------
    gradient : callable
        From a flat point (n,) to rows (m, n).
    y : array (n,)
        The point.
    sizes : array (n,)
        Typical sizes of its entries.
    eps : float
        Unit roundoff of the parameters.

    Returns
    -------
    array (n,)
        The root mean square over the rows; the larger one of the two lengths.
    """
    signs = np.where(np.arange(len(y)) % 3 == 1, -1.0, 1.0)
    worst = np.zeros(len(y))
    for power in LENGTHS:
        step = eps**power * (np.abs(y) + 1e-3 * sizes) * signs  # an entry that is zero moves too
        table = [np.atleast_2d(gradient(y + k * step)) for k in range(CALLS)]
        if len({a.shape for a in table}) > 1:
            continue  # a row vanished on the way
        rows = np.stack(table)
        size = float(np.max(np.abs(rows))) or 1.0
        differences = rows / size
        found = np.zeros_like(worst)
        for order in range(1, max(ORDERS) + 1):
            differences = np.diff(differences, axis=0)
            if order in ORDERS:
                share = math.factorial(order) ** 2 / math.factorial(2 * order)
                found += share * np.mean(differences**2, axis=(0, 1)) / len(ORDERS)
        worst = np.maximum(worst, size * np.sqrt(found))
    return worst


def asymmetry(
    gradient: Callable[[np.ndarray], np.ndarray],
    y: np.ndarray,
    sizes: np.ndarray,
    slopes: np.ndarray,
    noise: float,
) -> float:
    """Return the relative error of a gradient whose second derivatives are not symmetric.

    Parameters
    ----------
    gradient : callable
        From a flat point (n,) to (n,).
    y, sizes, slopes : array (n,)
        The point; typical sizes of its entries and of the derivatives.
    noise : float
        Of the gradient, relative.

    Returns
    -------
    float
        Zero where the asymmetry is what noise, differences or kinks make, and where the noise
        leaves nothing to see.
    """
    if noise > LOUD:
        return 0.0
    h = max(noise, np.finfo(float).eps) ** (1 / 3)
    # what a kink makes grows as the steps shrink, unless they no longer reach it
    return min(_asymmetry(gradient, y, sizes, slopes, noise, k * h) for k in (1.0, 1 / 8))


def _asymmetry(
    gradient: Callable[[np.ndarray], np.ndarray],
    y: np.ndarray,
    sizes: np.ndarray,
    slopes: np.ndarray,
    noise: float,
    h: float,
) -> float:
    n = len(y)
    chosen = np.unique(np.linspace(0, n - 1, min(n, DIRECTIONS)).astype(int))
    H = np.zeros((len(chosen), len(chosen)))
    size = 0.0
    for row, i in enumerate(chosen):
        step = np.zeros(n)
        step[i] = h * sizes[i]
        ahead, behind = gradient(y + step) / slopes, gradient(y - step) / slopes
        size = max(size, float(np.max(np.abs(ahead))))
        # d_i g_j in units of slope j; what d_j g_i is in these units depends on the sizes
        H[row] = (ahead - behind)[chosen] / (2 * h)
    if size == 0.0:
        return 0.0
    scale = (slopes * sizes)[chosen]
    # in units of the loss: H_ij scale_j, to be compared with the larger of both scales
    difference = np.abs(H * scale - H.T * scale[:, None])
    relative = difference / np.maximum(scale[:, None], scale) / size
    floor = 30 * (noise / h + h**2)
    worst = float(np.max(relative))
    return worst if worst > floor else 0.0
