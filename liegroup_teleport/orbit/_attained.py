"""Whether the infimum of a norm over an orbit is attained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._arrays import Parameters
from ..groups import PositiveRescaling, SymmetryGroup
from ..groups._hidden import gram

__all__ = ["is_attained", "smallest_share"]


def is_attained(group: PositiveRescaling, vector: Mapping[str, np.ndarray]) -> bool | None:
    """Decide by the zero pattern of ``vector`` whether balancing has a minimum.

    The squared norm is a log-sum-exp with one exponent per entry; its infimum
    is attained exactly if some strictly positive weights on all entries cancel
    the exponents. Read every entry as an edge from the unit it reads to the unit
    it writes, with one node for everything that does not move: such weights are
    a positive circulation, and exist if and only if every edge lies within a
    strongly connected component.

    Returns
    -------
    bool or None
        ``None`` where an array moves along more than one written and one read
        axis, which this graph does not cover.
    """
    slots = group.slots
    starts = np.cumsum([0, *slots.sizes])
    outside = int(starts[-1])
    moving: dict[str, list[tuple[int, int, bool]]] = {}
    for i, name, axis, written in slots:
        moving.setdefault(name, []).append((i, axis, written))
    patterns = []
    for name, axes in moving.items():
        roles = [written for _, _, written in axes]
        if len(axes) > 2 or (len(axes) == 2 and roles[0] == roles[1]):
            return None
        units = {written: np.array([outside]) for written in (True, False)}
        units |= {written: np.arange(starts[i], starts[i + 1]) for i, _, written in axes}
        axis_of = {written: axis for _, axis, written in axes}
        patterns.append((_pattern(vector[name], axis_of), units[True], units[False]))
    # one edge for every unit of every array mostly tells; all edges are many
    source, target = _edges(patterns, _some)
    label = _components(source, target, outside + 1)
    if len(np.unique(label[np.concatenate([source, target])])) <= 1:
        return True
    source, target = _edges(patterns, _all)
    label = _components(source, target, outside + 1)
    return bool(np.all(label[source] == label[target]))


Edges = tuple[np.ndarray, np.ndarray]


def _pattern(array: np.ndarray, axis_of: Mapping[bool, int]) -> np.ndarray:
    """Return which units an array joins, (written, read), with length 1 for what does not move."""
    rest = tuple(a for a in range(array.ndim) if a not in axis_of.values())
    joined = (array != 0).any(axis=rest) if rest else array != 0
    if len(axis_of) < 2:
        return joined[:, None] if True in axis_of else joined[None, :]
    return joined if axis_of[True] < axis_of[False] else joined.T


def _some(pattern: np.ndarray) -> Edges:
    """Return an edge from every unit that is read, and one to every unit written."""
    rows, columns = (np.flatnonzero(pattern.any(axis=axis)) for axis in (1, 0))
    return (
        np.concatenate([rows, pattern.argmax(axis=0)[columns]]),
        np.concatenate([pattern.argmax(axis=1)[rows], columns]),
    )


def _all(pattern: np.ndarray) -> Edges:
    """Return every edge."""
    rows, columns = np.nonzero(pattern)
    return rows, columns


def _edges(
    patterns: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], take: Callable[..., Edges]
) -> Edges:
    """Return sources and targets, from what is read to what is written."""
    taken = [(*take(pattern), written, read) for pattern, written, read in patterns]
    return (
        np.concatenate([read[columns] for _, columns, _, read in taken]),
        np.concatenate([written[rows] for rows, _, written, _ in taken]),
    )


def _components(source: np.ndarray, target: np.ndarray, nodes: int) -> np.ndarray:
    """Return the strongly connected component of every node."""
    graph = coo_array((np.ones(len(source), bool), (source, target)), (nodes, nodes))
    return np.asarray(connected_components(graph.tocsr(), directed=True, connection="strong")[1])


def smallest_share(group: SymmetryGroup, v: Parameters) -> float:
    """Return the smallest eigenvalue of the written Gram matrices, relative to ``||v||^2``.

    Where the infimum is not attained the minimising sequence degenerates: this
    goes to zero together with the residual.
    """
    slots = getattr(group, "slots", None)
    if slots is None:
        parts = getattr(group, "groups", ())
        return min((smallest_share(part, v) for part in parts), default=np.inf)
    total = sum(float(np.vdot(a, a)) for a in v.values()) or 1.0
    grams: dict[int, np.ndarray] = {}
    for i, name, axis, written in slots:
        if written:
            m = gram(v[name], v[name], axis, diagonal=group.diagonal)
            grams[i] = grams.get(i, 0.0) + m
    smallest = np.inf
    for m in grams.values():
        values = m if group.diagonal else np.linalg.eigvalsh(m)
        smallest = min(smallest, float(values[0] if not group.diagonal else values.min()) / total)
    return smallest
