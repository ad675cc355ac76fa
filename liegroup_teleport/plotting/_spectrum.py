"""The singular values that a numerical discovery decides by."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes

from .._checks import check_instance
from ..discovery import Discovery
from ._style import PLAIN, TELEPORT, check_axes

__all__ = ["plot_spectrum"]

FLOOR = 1e-17  # singular values below it are drawn there


def plot_spectrum(discovery: Discovery, *, ax: Axes | None = None) -> Axes:
    """Draw the singular values of a numerical discovery, and the gap that decided.

    Parameters
    ----------
    discovery : Discovery
        From :func:`liegroup_teleport.discover_generators`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the discovery has no singular values, as an exact one.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.eye(3))
    >>> found = lt.discover_generators(loss, lambda rng: {"w": rng.normal(size=3)})
    >>> axes = lt.plotting.plot_spectrum(found)
    >>> axes.get_title()
    'so(3)'
    """
    check_instance("discovery", discovery, Discovery, "a Discovery")
    check_axes(ax)
    values = discovery.singular_values
    if values is None:
        raise ValueError(
            "this discovery has no singular values: it was made by exact arithmetic, not from "
            "numbers"
        )
    if ax is None:
        _, ax = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    rank, places = len(values) - discovery.dim, np.arange(1, len(values) + 1)
    heights = np.maximum(values, FLOOR)
    few = len(values) <= 80
    style: dict[str, Any] = {"marker": "o", "linestyle": "-" if few else ""}
    style |= {"markersize": 5 if few else 2.6, "linewidth": 0.8}
    ax.semilogy(places[:rank], heights[:rank], color=TELEPORT, label="not zero", **style)
    if discovery.dim:
        label = f"zero: {discovery.dim} generator" + "s" * (discovery.dim > 1)
        ax.semilogy(places[rank:], heights[rank:], color=PLAIN, label=label, **style)
        if rank:
            edge = heights[rank - 1], heights[rank]
            ax.axhspan(edge[1], edge[0], color="0.93", zorder=0)
            middle = float(np.sqrt(edge[0] * edge[1]))
            ax.annotate(
                f"gap {edge[0] / edge[1]:.1e}", (1, middle),
                xytext=(6, 0), textcoords="offset points", va="center", color="0.35",
            )  # fmt: skip
    ax.set(
        xlabel="index", ylabel="singular value, relative to the largest", title=discovery.algebra
    )
    ax.set_ylim(min(float(heights.min()) / 5, 1e-3), 3.0)
    ax.legend(frameon=False, fontsize=9, loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
