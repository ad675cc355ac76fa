"""Whether the infimum of a norm over an orbit of rescalings is attained: by the zero pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._arrays import Parameters, host
from ..groups import PositiveRescaling

__all__ = ["is_attained", "lasting"]


def is_attained(group: PositiveRescaling, vector: Parameters) -> bool | None:
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
    patterns = _patterns(group, vector)
    if patterns is None:
        return None
    # one edge for every unit of every array mostly tells; all edges are many
    source, target = _edges(patterns, _some)
    label = _components(source, target, group.dim + 1)
    if len(np.unique(label[np.concatenate([source, target])])) <= 1:
        return True
    source, target = _edges(patterns, _all)
    label = _components(source, target, group.dim + 1)
    return bool(np.all(label[source] == label[target]))


def lasting(group: PositiveRescaling, vector: Parameters) -> dict[str, np.ndarray]:
    """Return ``vector`` without the entries that go to zero on the way to the infimum.

    They are the edges that lie on no cycle. The infimum of what is left is attained, and is that
    of the whole vector.
    """
    patterns = _patterns(group, vector)
    if patterns is None:
        raise ValueError("an array moves along more axes than the graph covers")
    source, target = _edges(patterns, _all)
    label = _components(source, target, group.dim + 1)
    result = {name: host(a) for name, a in vector.items()}
    for p in patterns:
        kept = label[p.read][None, :] == label[p.written][:, None]
        shape = [1] * result[p.name].ndim
        for (_, axis), length in zip(
            sorted(p.axis_of.items(), reverse=True), _moving(p), strict=True
        ):
            shape[axis] = length
        if True in p.axis_of and False in p.axis_of and p.axis_of[True] > p.axis_of[False]:
            kept = kept.T
        result[p.name] = np.where(kept.reshape(shape), result[p.name], 0.0)
    return result


@dataclass(frozen=True)
class _Pattern:
    """Which units one array joins, (written, read), and their numbers among the nodes."""

    name: str
    axis_of: dict[bool, int]
    joined: np.ndarray
    written: np.ndarray
    read: np.ndarray


def _moving(p: _Pattern) -> list[int]:
    """Return the lengths of the axes that move, the written one first."""
    lengths = {True: len(p.written), False: len(p.read)}
    return [lengths[role] for role in (True, False) if role in p.axis_of]


def _patterns(group: PositiveRescaling, vector: Parameters) -> list[_Pattern] | None:
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
        array = vector[name] if isinstance(vector[name], np.ndarray) else host(vector[name])
        joined = _joined(array, axis_of)
        patterns.append(_Pattern(name, axis_of, joined, units[True], units[False]))
    return patterns


Edges = tuple[np.ndarray, np.ndarray]


def _joined(array: np.ndarray, axis_of: Mapping[bool, int]) -> np.ndarray:
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


def _edges(patterns: Sequence[_Pattern], take: Callable[[np.ndarray], Edges]) -> Edges:
    """Return sources and targets, from what is read to what is written."""
    taken = [(*take(p.joined), p) for p in patterns]
    return (
        np.concatenate([p.read[columns] for _, columns, p in taken]),
        np.concatenate([p.written[rows] for rows, _, p in taken]),
    )


def _components(source: np.ndarray, target: np.ndarray, nodes: int) -> np.ndarray:
    """Return the strongly connected component of every node."""
    graph = coo_array((np.ones(len(source), bool), (source, target)), (nodes, nodes))
    return np.asarray(connected_components(graph.tocsr(), directed=True, connection="strong")[1])
