"""Compressing a vector to what its norm on the orbit depends on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Parameters, host
from ..groups import SymmetryGroup

__all__ = ["compress"]


def compress(group: SymmetryGroup, v: Parameters) -> dict[str, np.ndarray]:
    """Return a smaller vector, on the host, with the same norm everywhere on the orbit.

    Axes that the group does not move are collapsed: for diagonal actions by
    root sums of squares, for matrices on one axis by an R factor (of an LQ
    decomposition); what cannot be collapsed is kept. The names and the moving
    axes stay, so the group acts on the result as it does on ``v``.
    """
    axes: dict[str, set[int]] = {}
    for name, axis in group.acts_on:
        if axis is not None:
            axes.setdefault(name, set()).add(axis)
    small: dict[str, np.ndarray] = {}
    for name, array in v.items():
        moving = sorted(axes.get(name, ()))
        whole = (name, None) in group.acts_on
        small[name] = host(array) if whole else _collapse(host(array), moving, group.diagonal)
    return small


def _collapse(array: np.ndarray, moving: list[int], diagonal: bool) -> np.ndarray:
    rest = tuple(i for i in range(array.ndim) if i not in moving)
    if not moving:
        return np.asarray([np.linalg.norm(array)])
    if not rest:
        return array
    if diagonal:
        largest = float(np.max(np.abs(array))) or 1.0
        squares: Any = np.square(array / largest).sum(axis=rest, keepdims=True)
        return largest * np.sqrt(squares)
    if len(moving) > 1:
        return array
    unfolded = np.moveaxis(array, moving[0], 0).reshape(array.shape[moving[0]], -1)
    if unfolded.shape[1] > unfolded.shape[0]:
        unfolded = np.asarray(np.linalg.qr(unfolded.T, mode="r")).T
    shape = [1] * array.ndim
    shape[moving[0]], shape[rest[0]] = unfolded.shape
    return np.moveaxis(
        unfolded.reshape([unfolded.shape[0], unfolded.shape[1]] + [1] * (array.ndim - 2)),
        (0, 1),
        (moving[0], rest[0]),
    ).reshape(shape)
