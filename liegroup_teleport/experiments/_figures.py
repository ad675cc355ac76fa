"""Figures: one style, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ._traces import Trace

__all__ = ["against", "curves", "headline", "level_sets", "panels", "style_of", "tidy_ticks"]

FLOOR = 1e-33  # below it a logarithmic axis shows rounding only

# Okabe and Ito's palette; the line style says the same again.
STYLES: dict[str, tuple[str, Any, str]] = {
    "plain": ("#D55E00", "--", "plain"),
    "teleport": ("#0072B2", "-", "teleport"),
    "auto": ("#009E73", "-", "teleport, automatic schedule"),
    "reset": ("#E69F00", ":", "reset only (control)"),
    "teleport+reset": ("#CC79A7", "-.", "teleport and reset"),
}


def style_of(variant: str) -> tuple[str, Any, str]:
    """Return colour, line style and label of a variant."""
    kind = variant.partition("+")[2]
    if variant == "teleport+step":
        kind = "teleport"
    return STYLES[kind if kind in STYLES else "plain"]


def panels(titles: Sequence[str], ylabel: str, *, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Return a figure with one labelled panel per title."""
    count = len(titles)
    columns = count if count <= 3 else 2
    rows = -(-count // columns)
    width = 6.4 if count == 1 else 4.4 * columns
    height = 3.6 * rows + 0.5
    figure = Figure(figsize=(width, height), dpi=110)
    # Fixed margins in inches: a layout engine takes as long as everything else together
    top = 0.85 if any(titles) else 0.5
    figure.subplots_adjust(
        left=0.8 / width, right=1 - 0.25 / width, bottom=0.55 / height, top=1 - top / height,
        wspace=0.22, hspace=0.34,
    )  # fmt: skip
    grid = figure.subplots(rows, columns, squeeze=False, sharey=share)
    axes = list(grid.flat)
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title, fontsize=11)
        axis.grid(True, which="major", color="0.9", linewidth=0.7)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[count:]:
        axis.set_visible(False)
    for row in grid:
        row[0].set_ylabel(ylabel)
    return figure, axes[:count]


def headline(figure: Figure, title: str) -> None:
    """Write the title of the whole figure."""
    figure.suptitle(title, fontsize=12.5, y=1 - 0.12 / figure.get_figheight())


def tidy_ticks(axis: Axes) -> None:
    """Drop the minor ticks of wide logarithmic axes: hundreds, slow to draw and no help."""
    for one, (low, high) in ((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim())):
        if one.get_scale() == "log" and high > 50 * low > 0:
            one.set_minor_locator(NullLocator())


def _median(rows: Sequence[np.ndarray]) -> np.ndarray:
    length = min(len(row) for row in rows)
    values: np.ndarray = np.median(np.array([row[:length] for row in rows]), axis=0)
    return values


def curves(
    axis: Axes,
    runs: Sequence[tuple[np.ndarray, np.ndarray]],
    style: tuple[str, Any, str],
    *,
    median: bool = True,
) -> None:
    """Draw runs ``(x, y)`` thinly and their median boldly."""
    colour, line, label = style
    shown = [(x, np.where(y > FLOOR, y, np.nan)) for x, y in runs]
    for i, (x, y) in enumerate(shown):
        own = None if median and len(shown) > 1 else (label if i == 0 else None)
        axis.plot(
            x, y, color=colour, linestyle=line, label=own,
            linewidth=0.7 if own is None else 1.8, alpha=0.35 if own is None else 1.0,
        )  # fmt: skip
    if median and len(shown) > 1:
        x, y = _median([x for x, _ in shown]), _median([y for _, y in shown])
        axis.plot(x, y, color=colour, linestyle=line, linewidth=2.2, label=label)


def against(
    families: Mapping[str, Sequence[str]],
    runs: Mapping[str, Sequence[Trace]],
    x: Callable[[Trace], np.ndarray],
    y: Callable[[Trace], np.ndarray],
    *,
    labels: tuple[str, str],
    title: str,
    log_x: bool = False,
    median: bool = True,
    share: bool = True,
) -> Figure:
    """Draw ``y`` against ``x``, one panel per family of variants."""
    figure, axes = panels(list(families), labels[1], share=share)
    for axis, variants in zip(axes, families.values(), strict=True):
        for name in variants:
            data = [(x(t), y(t)) for t in runs[name]]
            curves(axis, data, style_of(name), median=median)
        axis.set_yscale("log")
        if log_x:
            axis.set_xscale("log")
        tidy_ticks(axis)
        axis.set_xlabel(labels[0])
        axis.legend(frameon=False, fontsize=8.5)
    headline(figure, title)
    return figure


def level_sets(
    value: Callable[[np.ndarray, np.ndarray], np.ndarray],
    plain: Trace,
    moved: Trace,
    before: Mapping[int, np.ndarray],
    *,
    minimum: tuple[float, float],
    window: tuple[float, float, float, float],
    legend: Any,
    title: str,
) -> Figure:
    """Draw level sets, both paths, and the jumps from ``before[step]``."""
    figure, (axis,) = panels([""], "y")
    figure.set_size_inches(6.8, 5.6)
    figure.subplots_adjust(left=0.1, right=0.97, bottom=0.1, top=0.92)
    left, right, low, high = window
    X, Y = np.meshgrid(np.linspace(left, right, 400), np.linspace(low, high, 400))
    Z = value(X, Y)
    levels = np.geomspace(max(float(Z.min()), 1e-2), float(Z.max()), 16)
    axis.contour(X, Y, Z, levels=levels, colors="0.75", linewidths=0.7)
    first = min(before, default=None)
    if first is not None:
        level = float(value(before[first][0], before[first][1]))
        axis.contour(X, Y, Z, levels=[level], colors="#009E73", linewidths=1.6)
        axis.plot([], [], color="#009E73", label="level set of the first jump")
    for trace, marker in ((plain, "s"), (moved, "o")):
        colour, line, label = style_of(trace.variant)
        path = trace.path if trace.path is not None else np.zeros((0, 2))
        few = len(path) < 50
        starts = sorted(before) if trace is moved else []
        for k, (a, b) in enumerate(zip([0, *starts], [*starts, len(path)], strict=True)):
            piece = path[a:b]
            if b in before and trace is moved:
                piece = np.vstack([piece, before[b]])
            axis.plot(
                piece[:, 0], piece[:, 1], color=colour, linestyle=line, linewidth=1.7,
                marker=marker if few else None, markersize=4, label=label if k == 0 else None,
            )  # fmt: skip
    path = moved.path if moved.path is not None else np.zeros((0, 2))
    for step, point in before.items():
        axis.annotate(
            "", xy=tuple(path[step]), xytext=tuple(point),
            arrowprops={"arrowstyle": "-|>", "color": "0.15", "linewidth": 1.3,
                        "connectionstyle": "arc3,rad=0.15"},
        )  # fmt: skip
    axis.plot([], [], color="0.15", marker=">", linewidth=1.3, label="jump")
    axis.plot(*minimum, marker="*", color="black", markersize=12, linestyle="", label="minimum")
    axis.set_xlim(left, right)
    axis.set_ylim(low, high)
    axis.set_xlabel("x")
    axis.set_title(title, fontsize=12)
    axis.legend(fontsize=9, framealpha=0.9, loc=legend)
    return figure
