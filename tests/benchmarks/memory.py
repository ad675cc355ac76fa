"""Peak memory of a teleport of a large network, in units of its parameters."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

import liegroup_teleport as lt

from ._measure import Measurement

__all__ = ["peaks"]

WIDTHS, SAMPLES = (784, 4096, 4096, 10), 64
SMALL = 10.0  # a "small multiple" of float32 parameters, a limit chosen after the first measurement


def peaks() -> list[Measurement]:
    """Measure each kind of search on 20 million float32 parameters."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((SAMPLES, WIDTHS[0])).astype(np.float32)
    labels = rng.integers(0, WIDTHS[-1], SAMPLES)
    loss = lt.losses.MLP(
        WIDTHS, activation="relu", inputs=inputs, targets=labels, loss="cross_entropy"
    )
    w = loss.init(rng, dtype=np.float32)
    size = sum(a.nbytes for a in w.values())
    number = sum(a.size for a in w.values())
    searches: dict[str, tuple[Any, dict[str, Any]]] = {
        "parameter norm": (lt.ParameterNorm(), {}),
        "least gradient norm": (lt.GradientNorm(), {"sense": "min"}),
        "gradient norm within 3": (lt.GradientNorm(), {"radius": 3.0}),
        "line-search decrease": (lt.LineSearchDecrease(), {"radius": 1.0, "max_iterations": 10}),
    }
    rows = []
    for name, (objective, options) in searches.items():
        tracemalloc.start()
        try:
            found = lt.teleport(loss, loss.symmetry(), w, objective, **options)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        note = f"{number:,} float32 parameters; {found.status}"
        rows.append(Measurement(name, peak / size, "of the parameters", SMALL, note=note))
    return rows
