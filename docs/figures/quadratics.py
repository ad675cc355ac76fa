"""Gradients on a level set of a quadratic, and what a condition number costs without a teleport."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
A = np.diag([1.0, 6.0])
loss = lt.losses.Quadratic(A)
w = {"w": np.array([2.2, 0.5])}
jump = lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.7), width_ratios=[1.45, 1])
radius = np.sqrt(2 * loss.value(w) / np.diag(A))
angle = np.linspace(0, 2 * np.pi, 300)
left.plot(radius[0] * np.cos(angle), radius[1] * np.sin(angle), color="0.45", linewidth=2.5)
for t in np.deg2rad(np.arange(0, 360, 15)):
    point = radius * np.array([np.cos(t), np.sin(t)])
    newton = abs(np.cos(t)) < 1e-9  # on the short axis
    style = {"arrowstyle": "-|>", "color": "C0" if newton else "C1", "lw": 2.6 if newton else 1.3}
    left.annotate(
        "", point - A @ point / 6, point, arrowprops={**style, "shrinkA": 0, "shrinkB": 0}
    )
left.plot(0, 0, "*", color="black", markersize=13)
left.plot(*w["w"], "o", color="black", markersize=8)
left.plot(*jump.params["w"], "o", color="C0", markersize=9)
left.annotate("$w$", w["w"], xytext=(6, 6), textcoords="offset points", fontsize=13)
place = jump.params["w"] + np.array([0, 0.16 * np.sign(jump.params["w"][1])])
left.text(*place, r"$g\cdot w$", fontsize=13, color="C0", ha="center", va="center")
left.set(
    aspect="equal",
    xlim=(-2.75, 2.75),
    ylim=(-1.35, 1.35),
    title=r"Steps $-\nabla L/\lambda_1$ from one level set",
)
left.axis("off")

conditions = np.array([2, 4, 10, 20, 50, 100, 200, 500])
steps = []
for condition in conditions:
    valley = lt.losses.Quadratic(np.diag([1.0, float(condition)]))
    start, descent = {"w": np.ones(2)}, lt.training.SGD(1 / condition)
    run = lt.training.minimize(valley, start, descent, 16 * int(condition))
    steps.append(int(np.argmax(run.losses < 1e-12 * run.losses[0])))
    moved = lt.teleport(valley, valley.symmetry(), start, lt.GradientNorm()).params
    once = lt.training.minimize(valley, moved, descent, 1)
    if once.losses[-1] >= 1e-12 * once.losses[0]:
        raise RuntimeError(f"one step was not enough at condition {condition}")
right.loglog(conditions, steps, "s--", color="C1")
right.loglog(conditions, np.ones(len(conditions)), "o-", color="C0")
right.text(2, 900, "gradient descent", color="C1", fontsize=11)
right.text(2, 1.5, "after a teleport", color="C0", fontsize=11)
right.set(
    xlabel=r"condition number $\lambda_1/\lambda_n$",
    title=r"Steps to $10^{-12}$ of the loss",
    ylim=(0.6, 2e4),
)
