"""Booth's function: one jump along a level set."""

from __future__ import annotations

from ..losses import Booth
from . import _charts
from ._outcome import Context, Outcome

__all__ = ["run"]


def run(context: Context) -> Outcome:
    """Run the experiment."""
    return _charts.experiment(
        context,
        Booth(),
        "Booth",
        start=(5.0, -5.0),
        learning_rate=0.08,
        steps=10,
        at=[4],
        threshold=9.46e-4,
        published="9.45e-4",
        window=(-6.5, 8.5, -6.5, 10.5),
        minimum=(1.0, 3.0),
        legend="upper right",
    )
