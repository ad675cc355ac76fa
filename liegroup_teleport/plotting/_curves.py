"""Training curves, with the teleports marked on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from .._checks import check_choice, check_instance, check_mapping, check_number, check_text
from ..training import History
from ._style import check_axes

__all__ = ["plot_losses"]

LINES = ("-", "--", "-.", ":")  # say the same as the colours, to those who do not see them
CEILING = 1e100  # a diverging run is not drawn above it: margins of the axis would overflow
MARKED = 20  # teleports up to which each is marked


def plot_losses(
    histories: Mapping[str, History],
    *,
    against: Literal["step", "seconds"] = "step",
    floor: float = 1e-30,
    ax: Axes | None = None,
) -> Axes:
    """Draw the losses of training runs on a logarithmic axis, and mark their teleports.

    Parameters
    ----------
    histories : dict of str to History
        The runs, by the names that the legend gives them; colours and line styles go in this
        order.
    against : {"step", "seconds"}
        The horizontal axis. Seconds are those of the run's clock, teleports included.
    floor : float
        Losses below it are not drawn: near a minimum at zero they are rounding. Nor are those
        above 1e100, of a run that diverges.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If ``against`` is neither, or ``floor`` is not above zero.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, w = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    >>> jump = lt.training.Teleports(loss.symmetry(), lt.GradientNorm(), at=[4])
    >>> sgd = lt.training.SGD(0.08)
    >>> runs = {
    ...     "teleport": lt.training.minimize(loss, w, sgd, 10, teleports=jump),
    ...     "plain": lt.training.minimize(loss, w, sgd, 10),
    ... }
    >>> axes = lt.plotting.plot_losses(runs)
    """
    check_choice("against", against, ("step", "seconds"))
    floor = check_number("floor", floor, above=0.0, infinite=True)
    for name, history in check_mapping("histories", histories, "a dict of History").items():
        check_text("a name in histories", name)
        check_instance(f"histories[{name!r}]", history, History, "a History")
    if not histories:
        raise ValueError("histories is empty; expected at least one run")
    check_axes(ax)
    if ax is None:
        _, ax = pyplot.subplots(figsize=(6.4, 4.4), layout="constrained")
    for k, (name, history) in enumerate(histories.items()):
        inside = (history.losses >= floor) & (history.losses <= CEILING)
        losses = np.where(inside, history.losses, np.nan)
        x = np.arange(len(losses)) if against == "step" else history.seconds
        moved = sorted({e.step for e in history.teleports if e.result.status != "identity"})
        (line,) = ax.semilogy(x, losses, linestyle=LINES[k % len(LINES)], label=name)
        if 0 < len(moved) <= MARKED:
            line.set(marker="o", markevery=moved)
    low, high = ax.get_ylim()
    if high > 1e3 * low:
        ax.yaxis.set_minor_locator(NullLocator())  # hundreds, and no help
    ax.set(xlabel=against, ylabel="loss")
    ax.legend()
    return ax
