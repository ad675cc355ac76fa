"""Cost of a whole teleport in units of our gradient (or product) as the problem grows."""

from __future__ import annotations

import numpy as np

import liegroup_teleport as lt

from . import quadratic, rescaling
from ._measure import Measurement, interleaved

__all__ = ["costs"]

UNIT = "gradients"


def _network(what: str, widths: tuple[int, ...], samples: int, repeats: int) -> list[Measurement]:
    problem = rescaling.case(widths, samples)
    seconds = interleaved(
        {
            "gradient": lambda: problem.loss.value_and_gradient(problem.w),
            "minimum": lambda: rescaling.minimum(problem),
            "maximum": lambda: rescaling.maximum(problem),
        },
        repeats,
        warm=repeats > 1,
    )
    parameters = sum(a.size for a in problem.w.values())
    note = f"maximum {seconds['maximum'] / seconds['gradient']:.2f}; {parameters:,} parameters"
    return [Measurement(what, seconds["minimum"] / seconds["gradient"], UNIT, note=note)]


def costs() -> list[Measurement]:
    """Measure width, depth, batch and n, one at a time."""
    rows = []
    for width in (64, 128, 256, 512, 1024, 2048):
        rows += _network(
            f"width {width}, batch 500", (256, width, width, 10), 500, 1 if width > 500 else 3
        )
    for depth in (2, 4, 8, 16):
        rows += _network(f"depth {depth}, width 256", (256,) * depth + (10,), 500, 1)
    for samples in (50, 200, 1000, 5000):
        rows += _network(f"batch {samples}, width 256", (256, 256, 256, 10), samples, 2)
    for n in (10**3, 10**4, 10**5, 10**6):
        loss, w = quadratic.problem(n, 1.5)
        seconds = interleaved(
            {
                "product": lambda w=w, loss=loss: loss.A @ w["w"],
                "teleport": lambda w=w, loss=loss: lt.teleport(
                    loss, loss.symmetry(), w, lt.GradientNorm()
                ),
            },
            1 if n > 10**5 else 3,
        )
        ratio = seconds["teleport"] / seconds["product"]
        rows.append(Measurement(f"quadratic, n = {n:,}", ratio, "products", note="sparse"))
    assert all(np.isfinite(row.value) for row in rows)
    return rows
