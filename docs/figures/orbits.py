"""The orbit of a network with one ReLU unit, and the gradient along it."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
one = np.ones((1, 1))
net = lt.losses.MLP([1, 1, 1], activation="relu", inputs=one, targets=one)
group = net.symmetry()
w = {"W1": np.full((1, 1), 1.1), "W2": np.full((1, 1), 0.4)}


def at(t):
    """Return exp(tX).w, its two weights, and the gradient there."""
    moved = group.act(group.exp(np.array([t])), w)
    slope = net.gradient(moved)
    return [np.array([float(p["W1"][0, 0]), float(p["W2"][0, 0])]) for p in (moved, slope)]


figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.7), width_ratios=[1.25, 1])
x, y = np.meshgrid(np.linspace(-0.7, 2.9, 200), np.linspace(-0.35, 2.2, 200))
values = (y * np.maximum(x, 0) - 1) ** 2 / 2
left.contour(x, y, values, levels=8, colors="0.87", linewidths=0.8)
level = left.contour(x, y, values, levels=[net.value(w)], colors="0.45", linewidths=4, alpha=0.5)
times = np.linspace(-1.2, 1.0, 300)
left.plot(*np.array([at(t)[0] for t in times]).T, color="C0", linewidth=2)
for t in (-0.9, -0.45, 0.0, 0.45, 0.9):
    point, slope = at(t)
    left.annotate(
        "", point - 0.55 * slope, point, arrowprops={"arrowstyle": "-|>", "color": "C1", "lw": 1.6}
    )
    left.plot(*point, "o", color="black" if t == 0 else "C0", markersize=7 if t == 0 else 5)
start = at(0.0)[0]
velocity = group.generator(np.array([1.0]), w)
arrow = start + 0.55 * np.array([float(velocity["W1"][0, 0]), float(velocity["W2"][0, 0])])
left.annotate("", arrow, start, arrowprops={"arrowstyle": "-|>", "color": "C2", "lw": 2})
left.text(1.08, 0.2, "$w$", fontsize=13)
left.text(1.75, 0.02, "generator", color="C2", fontsize=10)
left.text(2.0, 0.36, "orbit of $w$", color="C0", fontsize=10)
left.text(1.75, 1.12, "same loss,\nanother orbit", color="0.35", fontsize=10)
left.text(-0.65, 1.35, "unit off:\nno gradient", color="0.5", fontsize=10)
left.text(0.66, 1.12, r"$-\nabla L$", color="C1", fontsize=11)
left.axvline(0, color="0.8", linewidth=0.8)
left.set(xlabel="weight in", ylabel="weight out", aspect="equal", title="Level set and orbit")

norms = [float(at(t)[1] @ at(t)[1]) for t in times]
right.plot(times, norms, color="C1")
right.text(-0.95, 2.0, r"$\|\nabla L(e^{tX}\cdot w)\|^2$", color="C1", fontsize=11)
right.plot(times, [net.value(group.act(group.exp(np.array([t])), w)) for t in times], color="0.45")
right.text(0.6, 0.22, "loss", color="0.35", fontsize=10)
right.set(xlabel="$t$", ylim=(0, None), title="Along the orbit")
