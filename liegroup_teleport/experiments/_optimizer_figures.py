"""Figures of the study of optimizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ._figures import STYLES, curves, headline, panels, tidy_ticks

__all__ = ["figures"]

OWN_STYLES: dict[str, tuple[str, Any, str]] = {
    **STYLES,
    "teleport": (*STYLES["teleport"][:2], "teleport, state carried along"),
    "teleport near": ("#009E73", "-", "teleport within distance 1"),
}

Runs = Mapping[tuple[str, str, float], Mapping[str, Sequence[Mapping[str, Any]]]]
Labels = Mapping[tuple[str, str, float], str]


def figures(runs: Runs, labels: Labels) -> dict[str, Figure]:
    """Return curves for each data set and a summary."""
    result = {}
    for dataset in dict.fromkeys(key[0] for key in runs):
        name = dataset.replace(" ", "-")
        mine = {key: group for key, group in runs.items() if key[0] == dataset}
        for kind in ("training", "validation"):
            result[f"{name}-{kind}-loss"] = _curves(mine, labels, kind, dataset)
        result[f"{name}-summary"] = _summary(mine, labels, dataset)
    return result


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _curves(runs: Runs, labels: Labels, kind: str, dataset: str) -> Figure:
    """Draw the loss against the epoch, one panel per optimizer and rate."""
    figure, axes = panels([labels[key] for key in runs], f"{kind} loss", share=False)
    for axis, group in zip(axes, runs.values(), strict=True):
        highest, lowest = 0.0, np.inf
        for way, rows in group.items():
            length = max(len(r[kind]) for r in rows)
            # a diverged run ends early; it is drawn to its end and counts in no median after it
            drawn = [
                np.pad(_numbers(r[kind]), (0, length - len(r[kind])), constant_values=np.nan)
                for r in rows
            ]
            curves(axis, [(np.arange(length), y) for y in drawn], OWN_STYLES[way])
            if way == "plain":
                highest, lowest = np.nanmax(drawn), np.nanmin(drawn)
            lowest = min(lowest, float(np.nanmin(drawn)))
        axis.set_yscale("log")
        axis.set_ylim(max(lowest / 1.5, highest * 1e-6), 4 * highest)
        tidy_ticks(axis)
        axis.set_xlabel("epoch")
    axes[0].legend(frameon=False, fontsize=8)
    _with_longest_legend(axes)
    headline(figure, f"{dataset}: {kind} loss, every start, and medians until one diverged")
    return figure


def _with_longest_legend(axes: Sequence[Any]) -> None:
    """Show the legend of the panel with most curves in the first panel."""
    handles, names = max((a.get_legend_handles_labels() for a in axes), key=lambda p: len(p[1]))
    axes[0].legend(handles, names, frameon=False, fontsize=8)


def _summary(runs: Runs, labels: Labels, dataset: str) -> Figure:
    """Draw medians and ranges over the starts of the final losses over plain's."""
    titles = ["final training loss", "final validation loss"]
    figure, axes = panels(titles, "", share=True)
    figure.set_size_inches(10.5, 6.6)
    figure.subplots_adjust(left=0.24, right=0.98, top=0.87, bottom=0.18)
    limits = 1e-2, 1e2
    for axis, kind in zip(axes, ("training", "validation"), strict=True):
        for place, group in enumerate(runs.values()):
            others = [way for way in group if way != "plain"]
            plain = np.array([_numbers(r[kind])[-1] for r in group["plain"]])
            for k, way in enumerate(others):
                last = np.array([_numbers(r[kind])[-1] for r in group[way]])
                ratios = np.where(np.isfinite(last), last, np.inf) / plain
                y = place + 0.17 * (k - (len(others) - 1) / 2)
                low, middle, high = np.clip(
                    [ratios.min(), np.median(ratios), ratios.max()], *limits
                )
                colour, _, label = OWN_STYLES[way]
                axis.plot([low, high], [y, y], color=colour, linewidth=1.2)
                axis.plot(
                    middle, y, color=colour, markersize=5, linestyle="",
                    marker=">" if middle >= limits[1] else "o",
                    label=label if len(others) > 2 and not _has(axis, label) else None,
                )  # fmt: skip
        axis.axvline(1.0, color="0.4", linewidth=0.9)
        axis.set_xscale("log")
        axis.set_xlim(limits[0], 1.15 * limits[1])
        axis.set_xlabel("divided by plain's from the same start")
        axis.set_yticks(range(len(runs)), [labels[key] for key in runs], fontsize=9)
    axes[0].set_ylim(len(runs) - 0.4, -0.6)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=len(names), frameon=False, fontsize=9)
    headline(figure, f"{dataset}: medians and ranges over starts (an arrow at the edge: diverged)")
    return figure


def _has(axis: Any, label: str) -> bool:
    return label in axis.get_legend_handles_labels()[1]
