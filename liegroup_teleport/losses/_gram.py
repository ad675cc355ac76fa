"""The Gauss-Newton matrix between the parts of one vector, without products or Jacobians.

A part of an array keeps the entries with given indices along some of its axes. The derivative
of the outputs along a part of layer m is ``S[n, o, i] V[i, j] H[n, j]``, summed over the axes
not kept, with S the outputs' derivative in ``Z_m``. Inner products over samples n and outputs o
are contracted over o first: the Jacobian (samples, outputs, parts) is never formed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from typing import Any

import numpy as np

from .._arrays import Array, host
from ._backprop import Layers, activation_slopes, states

__all__ = ["cost", "gauss_newton_gram"]

Kept = Sequence[tuple[tuple[int, ...], ...]]  # for each layer the axes kept of W, and of b

CHUNK = 2**21  # entries of the largest array formed
CALLS = 2.5e6, 6e5  # operations in the time that the calls take, of the matrix and of a product


@dataclass(frozen=True)
class Part:
    """Derivatives along the parts of an array: S[n, o, i], or S[n, o, i] V[i, j] H[n, j]."""

    S: Array
    H: Array | None = None
    V: Array | None = None


def gauss_newton_gram(
    xp: Any,
    layers: Layers,
    directions: Layers,
    kept: Kept,
    X: Array,
    T: Array,
    activation: Any,
    output_loss: Any,
) -> np.ndarray:
    """Return the inner products of all parts of ``directions``, layer by layer, on the host."""
    samples, widths = X.shape[0], [X.shape[1], *(W.shape[0] for W, _ in layers)]
    chunk = max(1, CHUNK // _largest(widths, kept))
    total: Any = 0.0
    for start in range(0, samples, chunk):
        rows = slice(start, start + chunk)
        Z, H = states(layers, X[rows], activation)
        root = output_loss.curvature_root(xp, Z[-1], T[rows], samples)
        S = _sensitivities(layers, activation_slopes(Z, activation), root)
        blocks = [
            part
            for layer in zip(S, H, directions, kept, strict=True)
            for part in _parts(xp, *layer)
        ]
        total = total + _gram(xp, blocks)
    return np.asarray(total)


def cost(widths: Sequence[int], kept: Kept, samples: int) -> float:
    """Return what :func:`gauss_newton_gram` takes, in products with the matrix."""
    weights = sum(a * b for a, b in pairwise(widths))
    total = 2 * widths[-1] * (weights - widths[0] * widths[1])
    for (p, q), (r, s) in combinations_with_replacement(_sizes(widths, kept), 2):
        total += 2 * p * r * (widths[-1] + max(q, s, q * s))
    return (CALLS[0] + samples * total) / (CALLS[1] + samples * 8 * weights)


def _sizes(widths: Sequence[int], kept: Kept) -> list[tuple[int, int]]:
    """Return the lengths of S and H in the parts of every array, 0 for no H."""
    sizes = []
    for m, axes in enumerate(kept):
        shapes = ((widths[m + 1], widths[m]), (widths[m + 1],))
        for shape, own in zip(shapes, axes, strict=False):
            both = len(own) == 2
            sizes.append(shape if both else (shape[own[0]] if own else 1, 0))
    return sizes  # type: ignore[return-value]


def _largest(widths: Sequence[int], kept: Kept) -> int:
    """Return the entries per sample of the largest array that is formed."""
    sizes = _sizes(widths, kept)
    # between two arrays of which none has a factor H nothing is formed for each sample
    between = max((p * r for p, q in sizes if q for r, _ in sizes), default=0)
    return max(between, max(q for _, q in sizes) ** 2, max(widths[1:]) * widths[-1])


def _sensitivities(layers: Layers, slopes: list[Array | None], root: Array) -> list[Array]:
    """Return ``root`` times the outputs' derivative in every ``Z_m``, (samples, outputs, width)."""
    S = [root]
    for m in range(len(layers) - 1, 0, -1):
        back = S[-1] @ layers[m][0]
        slope = slopes[m - 1]
        S.append(back if slope is None else back * slope[:, None, :])
    return S[::-1]


def _parts(
    xp: Any, S: Array, H: Array, direction: tuple[Array, Array | None], kept: Any
) -> Iterator[Part]:
    """Yield the parts of one layer's direction (W, b)."""
    W, b = direction
    if kept[0] == (0, 1):
        yield Part(S, H, W)
    elif kept[0] == (1,):
        yield Part((S @ W) * H[:, None, :])
    else:
        yield Part(_collapsed(xp, S * (H @ W.T)[:, None, :], kept[0]))
    if b is not None:
        yield Part(_collapsed(xp, S * b, kept[1]))


def _collapsed(xp: Any, S: Array, kept: tuple[int, ...]) -> Array:
    return S if kept else xp.sum(S, axis=2, keepdims=True)


def _gram(xp: Any, blocks: list[Part]) -> np.ndarray:
    n = len(blocks)
    rows: list[list[Any]] = [[None] * n for _ in blocks]
    for i, j in combinations_with_replacement(range(n), 2):
        rows[i][j] = host(_pair(xp, blocks[i], blocks[j]))
        rows[j][i] = rows[i][j].T
    return np.block(rows)


def _pair(xp: Any, a: Part, b: Part) -> Array:
    """Return the inner products of the parts of two arrays."""
    if a.H is None and b.H is None:
        return a.S.reshape(-1, a.S.shape[2]).T @ b.S.reshape(-1, b.S.shape[2])
    if a.H is None or a.V is None:
        return _pair(xp, b, a).T
    samples, _, p = a.S.shape
    r, q = b.S.shape[2], a.H.shape[1]
    between = (xp.matrix_transpose(a.S) @ b.S).reshape(samples, p * r)
    if b.H is None or b.V is None:
        summed = (a.H.T @ between).reshape(q, p, r)
        return (xp.permute_dims(summed, (1, 0, 2)) * a.V[:, :, None]).reshape(p * q, r)
    s = b.H.shape[1]
    products = (a.H[:, :, None] * b.H[:, None, :]).reshape(samples, q * s)
    summed = xp.permute_dims((between.T @ products).reshape(p, r, q, s), (0, 2, 1, 3))
    return (summed * a.V[:, :, None, None] * b.V).reshape(p * q, r * s)
