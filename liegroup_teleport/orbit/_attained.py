"""Whether the infimum of a norm over an orbit is attained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    sources: list[Any] = []
    targets: list[Any] = []
    nodes = outside + 1
    for name, axes in moving.items():
        roles = [written for _, _, written in axes]
        if len(axes) > 2 or (len(axes) == 2 and roles[0] == roles[1]):
            return None
        if np.all(vector[name]):
            # every unit read to every unit written: by way of one more node, not edge by edge
            units = {written: [outside] for written in (True, False)}
            for i, _, written in axes:
                units[written] = list(range(starts[i], starts[i + 1]))
            sources += [units[False], [nodes] * len(units[True])]
            targets += [[nodes] * len(units[False]), units[True]]
            nodes += 1
            continue
        where = np.nonzero(vector[name])
        ends = {True: np.full(len(where[0]), outside), False: np.full(len(where[0]), outside)}
        for i, axis, written in axes:
            ends[written] = starts[i] + where[axis]
        sources.append(ends[False])
        targets.append(ends[True])
    source, target = np.concatenate(sources), np.concatenate(targets)
    graph = coo_array((np.ones(len(source), bool), (source, target)), (nodes, nodes))
    _, label = connected_components(graph.tocsr(), directed=True, connection="strong")
    return bool(np.all(label[source] == label[target]))


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
