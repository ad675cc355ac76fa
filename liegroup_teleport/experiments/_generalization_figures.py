"""Figures of the generalisation study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ._figures import headline
from ._generalization_claims import KINDS, Correlations, Moves, validation_ratios
from ._study_data import MEASURES, column

__all__ = ["figures"]

NAMES = {
    "phi": "$\\phi$",
    "increase": "increase of the loss at distance 1",
    "psi": "$\\psi$, rescalings",
    "psi_batch": "$\\psi$, data-dependent action",
    "trace": "Gauss-Newton trace",
}
SHORT = {**NAMES, "increase": "increase", "psi_batch": "$\\psi$, data-dep.", "trace": "trace"}
STYLES = {
    "Pearson": ("#D55E00", "o", "Pearson"),
    "Spearman": ("#D55E00", "s", "Spearman"),
    "Pearson given loss": ("#0072B2", "o", "Pearson, training loss fixed"),
    "Spearman given loss": ("#0072B2", "s", "Spearman, training loss fixed"),
    "logarithms given loss": ("#009E73", "D", "logarithms, training loss fixed by a cubic"),
}
CAP = 10.0  # ratios above are drawn there


def figures(
    networks: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    related: Mapping[tuple[str, str], Correlations],
    moves: Moves,
) -> dict[str, Figure]:
    """Return a scatter and paired differences for each data set, and all correlations."""
    datasets = list(dict.fromkeys(key[0] for key in networks))
    result = {"correlations": _correlations(related)}
    for dataset in datasets:
        name = dataset.replace(" ", "-")
        mine = {key[1]: rows for key, rows in networks.items() if key[0] == dataset}
        kinds = {key[1]: value for key, value in related.items() if key[0] == dataset}
        result[f"{name}-scatter"] = _scatter(dataset, mine, kinds)
        cells = {key[1:]: value for key, value in moves.items() if key[0] == dataset}
        result[f"{name}-teleports"] = _paired(dataset, cells)
    return result


def _few_ticks(axis: Axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5, or at powers of ten if it is long."""
    if axis.get_scale() != "log":
        return
    low, high = axis.get_view_interval()
    digits = (1,) if high > 100 * low else (1, 2, 5)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [t for k in powers for t in (d * 10.0**k for d in digits) if low <= t <= high]
    axis.set_major_locator(FixedLocator(ticks) if len(ticks) > 1 else MaxNLocator(3))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _plain(axis: Axes) -> None:
    axis.grid(True, which="major", color="0.9", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _scatter(
    dataset: str,
    networks: Mapping[str, Sequence[Mapping[str, Any]]],
    related: Mapping[str, Correlations],
) -> Figure:
    """Draw every measure against the validation loss, coloured by the training loss."""
    figure = Figure(figsize=(15.5, 3.2 * len(networks) + 0.9), dpi=110)
    axes = figure.subplots(len(networks), len(MEASURES), squeeze=False, sharey="row")
    figure.subplots_adjust(left=0.05, right=0.925, top=0.86, bottom=0.08, wspace=0.12, hspace=0.45)
    for row, (design, rows) in zip(axes, networks.items(), strict=True):
        valid, loss = column(rows, "validation_loss"), column(rows, "training_loss")
        good = np.isfinite(valid) & np.isfinite(loss) & (loss > 0)
        shown: Any = None
        for axis, name in zip(row, MEASURES, strict=True):
            x = column(rows, name)
            shown = axis.scatter(
                x[good], valid[good], c=loss[good], s=16, cmap="viridis", norm=LogNorm(),
                linewidths=0.2, edgecolors="0.3",
            )  # fmt: skip
            if np.nanmin(x[good]) > 0:
                axis.set_xscale("log")
            axis.set_yscale("log")
            _plain(axis)
            for one in (axis.xaxis, axis.yaxis):
                _few_ticks(one)
            axis.set_xlabel(NAMES[name])
            raw, given = (related[design][kind][name].value for kind in (KINDS[0], KINDS[-1]))
            axis.set_title(f"{design}\nr = {raw:.2f}, loss held fixed {given:.2f}", fontsize=9.5)
        row[0].set_ylabel("validation loss")
        place = row[-1].get_position()
        inset = figure.add_axes((place.x1 + 0.008, place.y0, 0.009, place.height))
        bar = figure.colorbar(shown, cax=inset)
        _few_ticks(bar.ax.yaxis)
        bar.set_label("training loss")
    headline(figure, f"{dataset}: measures of trained networks against their validation loss")
    return figure


def _correlations(related: Mapping[tuple[str, str], Correlations]) -> Figure:
    """Draw all correlations with their intervals."""
    figure = Figure(figsize=(11.5, 8.2), dpi=110)
    axes = list(figure.subplots(2, -(-len(related) // 2), squeeze=False, sharex=True).flat)
    figure.subplots_adjust(left=0.11, right=0.98, top=0.89, bottom=0.13, wspace=0.25, hspace=0.25)
    for axis, ((dataset, design), kinds) in zip(axes, related.items(), strict=True):
        _plain(axis)
        axis.axvline(0, color="0.4", linewidth=0.9)
        for k, kind in enumerate(KINDS):
            colour, marker, label = STYLES[kind]
            for place, name in enumerate(MEASURES):
                e, y = kinds[kind][name], place + 0.15 * (k - 2)
                axis.plot([e.low, e.high], [y, y], color=colour, linewidth=1.4)
                axis.plot(
                    e.value, y, marker=marker, color=colour, markersize=4.5, linestyle="",
                    markerfacecolor="white" if marker == "s" else colour,
                    label=label if place == 0 else None,
                )  # fmt: skip
        axis.set_xlim(-1, 1)
        axis.set_ylim(len(MEASURES) - 0.5, -0.5)
        axis.set_yticks(range(len(MEASURES)), [SHORT[name] for name in MEASURES])
        axis.set_title(f"{dataset}, {design}", fontsize=11)
    for axis in axes[-2:]:
        axis.set_xlabel("correlation with the validation loss, 95 % interval")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=5, frameon=False, fontsize=8.5)
    headline(figure, "Correlation with the validation loss, within splits")
    return figure


def _paired(
    dataset: str, cells: Mapping[tuple[float, float], Mapping[str, Sequence[Mapping[str, Any]]]]
) -> Figure:
    """Draw validation over plain training's from the same start, every start and medians."""
    figure = Figure(figsize=(12.5, 4.6), dpi=110)
    axes = list(figure.subplots(1, len(cells), squeeze=False, sharey=True).flat)
    figure.subplots_adjust(left=0.105, right=0.985, top=0.8, bottom=0.14, wspace=0.08)
    rng = np.random.default_rng(0)
    for axis, ((rate, radius), variants) in zip(axes, cells.items(), strict=True):
        _plain(axis)
        axis.axvline(1, color="0.4", linewidth=0.9)
        plain = column(variants["plain"], "validation_loss")
        estimates = validation_ratios(variants)
        for place, (variant, estimate) in enumerate(estimates.items()):
            ratios = column(variants[variant], "validation_loss") / plain
            ratios = np.minimum(np.where(np.isfinite(ratios), ratios, CAP), CAP)
            spread = rng.uniform(-0.16, 0.16, len(ratios))
            axis.plot(ratios, place + spread, ".", color="0.6", markersize=4)
            low, middle, high = np.minimum([estimate.low, estimate.value, estimate.high], CAP)
            axis.plot([low, high], [place, place], color="#0072B2", linewidth=2.2)
            axis.plot(middle, place, "o", color="#0072B2", markersize=5.5)
        axis.set_xscale("log")
        axis.set_title(f"learning rate {rate:g}, radius {radius:g}", fontsize=10.5)
        axis.set_xlabel("validation loss over plain's")
        axis.set_yticks(range(len(estimates)), [_spelled(v) for v in estimates])
        axis.set_ylim(len(estimates) - 0.5, -0.5)
    for axis in axes:
        _few_ticks(axis.xaxis)
    headline(
        figure,
        f"{dataset}: one teleport after half of the epochs (medians, 95 % intervals, starts)",
    )
    return figure


def _spelled(variant: str) -> str:
    name, _, sense = variant.partition(" ")
    if not sense:
        return f"{name} element"
    symbol = {"phi": "$\\phi$", "psi": "$\\psi$"}.get(name, name)
    return f"{'largest' if sense == 'max' else 'least'} {symbol}"
