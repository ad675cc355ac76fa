"""The picture of the README: a jump along a level set, and what comes after it.

``python docs/figures/teleport.py`` writes ``docs/_static/teleport.png``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import liegroup_teleport as lt

TARGET = Path(__file__).resolve().parent.parent / "_static" / "teleport.png"
TURN, EIGENVALUES = np.deg2rad(28), np.array([1.0, 16.0])
START = {"w": np.array([3.4, 2.55])}
STEPS = 12
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.9}


def runs() -> tuple[lt.losses.Quadratic, np.ndarray, lt.training.History, lt.training.History]:
    """Return a long valley, the path of plain descent, and the histories without and with a jump.

    Both take steps of size 1 / (largest eigenvalue).
    """
    axes = np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])
    loss = lt.losses.Quadratic((axes * EIGENVALUES) @ axes.T, np.zeros(2))
    sgd = lt.training.SGD(1 / EIGENVALUES[-1])
    path: list[np.ndarray] = []
    plain = lt.training.minimize(
        loss, START, sgd, STEPS, callback=lambda t, w, value: path.append(w["w"])
    )
    once = lt.training.Teleports(loss.symmetry(), lt.GradientNorm(), at=[0])
    moved = lt.training.minimize(loss, START, sgd, STEPS, teleports=once)
    return loss, np.array([*path, plain.params["w"]]), plain, moved


def draw() -> Figure:
    """Return the figure: the valley on the left, the losses on the right."""
    loss, path, plain, moved = runs()
    teleport = moved.teleports[0].result
    group = loss.symmetry()
    jump = np.array(
        [
            group.act(group.geodesic(group.identity(), teleport.element, t), START)["w"]
            for t in np.linspace(0, 1, 80)
        ]
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6), width_ratios=[1.5, 1])

    x, y = np.linspace(-4.6, 4.6, 240), np.linspace(-2.9, 3.6, 180)
    points = np.stack(np.meshgrid(x, y), axis=-1)
    values = np.einsum("...i,ij,...j->...", points, np.asarray(loss.A), points) / 2
    levels = plain.losses[0] * np.array([0.02, 0.15, 0.4, 1.8, 3, 4.8])
    left.contour(x, y, values, levels=levels, colors="0.8", linewidths=0.8, zorder=0)
    left.contour(x, y, values, levels=[plain.losses[0]], colors="0.45", linewidths=2)
    left.plot(*path.T, "s--", color="C1", markersize=4)
    left.plot(*jump.T, color="C0", linewidth=3.5, solid_capstyle="round")
    end = jump[-1]
    left.annotate(
        "", (0, 0), end, arrowprops={"arrowstyle": "-|>", "color": "C0", "lw": 2.2, "shrinkB": 4}
    )
    left.plot(*START["w"], "o", color="black", markersize=8)
    left.plot(*end, "o", color="C0", markersize=8)
    left.plot(0, 0, "*", color="black", markersize=13)
    for text, where, colour in (
        ("start", START["w"] + [0.05, 0.25], "black"),
        ("teleport, at the same loss", jump[40] + [-3.5, 0.45], "C0"),
        ("one step", end / 2 + [-1.5, -0.35], "C0"),
        ("gradient descent", (1.95, -0.85), "C1"),
    ):
        left.text(*where, text, color=colour, fontsize=11, bbox=BEHIND, zorder=1)
    left.set_aspect("equal")
    left.axis("off")

    for history, line in ((plain, "s--C1"), (moved, "o-C0")):
        right.plot(history.losses, line)
    right.text(4, plain.losses[3] + 0.4, "gradient descent", color="C1", fontsize=11)
    right.text(1.4, 0.4, "teleport, then the same", color="C0", fontsize=11)
    right.set(xlabel="step", ylabel="loss", ylim=(-0.3, None))
    return figure


def main() -> None:
    """Write the picture, in a palette of 64 colours so that it stays small."""
    with plt.rc_context({**lt.plotting.style(), "savefig.facecolor": "white"}):
        figure = draw()
        TARGET.parent.mkdir(exist_ok=True)
        figure.savefig(TARGET, dpi=150)
        plt.close(figure)
    with Image.open(TARGET) as picture:
        small = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    small.save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
