"""Rosenbrock's function: ten jumps out of the valley's slow floor."""

from __future__ import annotations

from ..losses import Rosenbrock
from . import _charts
from ._outcome import Context, Outcome

__all__ = ["run"]


def run(context: Context) -> Outcome:
    """Run the experiment."""
    return _charts.experiment(
        context,
        Rosenbrock(),
        "Rosenbrock",
        start=(-1.0, -1.0),
        learning_rate=1e-3,
        steps=1000,
        at=range(99, 1000, 100),
        threshold=1e-20,
        published="median 2.9e-9, worst 1.6e-6",
        window=(-2.4, 2.4, -1.6, 4.2),
        minimum=(1.0, 1.0),
        legend="lower right",
    )
