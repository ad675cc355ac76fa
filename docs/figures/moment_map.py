"""Gradient flow keeps the moment map; a teleport changes nothing else."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
one = np.ones((1, 1))
net = lt.losses.MLP([1, 1, 1], activation="relu", inputs=one, targets=one)
group = net.symmetry()


def path(a, b, steps=3000, rate=4e-3):
    """Return gradient descent by steps so small that they follow the flow."""
    points = []
    w = {"W1": np.full((1, 1), a), "W2": np.full((1, 1), b)}
    lt.training.minimize(
        net,
        w,
        lt.training.SGD(rate),
        steps,
        callback=lambda t, p, value: points.append([p["W1"][0, 0], p["W2"][0, 0]]),
    )
    return np.array(points)


figure, axes = plt.subplots(figsize=(7.2, 4.7))
a = np.linspace(0.25, 3, 300)
for product in (0.1, 0.25, 0.5, 1.7, 2.6):
    axes.plot(a, product / a, color="0.82", linewidth=1)
axes.plot(a, 1 / a, color="black", linewidth=2.4)
starts = [(0.55, 0.05), (1.05, 0.05), (1.65, 0.05), (2.25, 0.05), (0.05, 0.55), (0.05, 1.05)]
starts += [(0.05, 1.65), (1.6, 1.9), (2.15, 1.8), (2.7, 1.6)]
for start in starts:
    flow = path(*start)
    axes.plot(*flow.T, color="C1", linewidth=1.3)
    k = int(np.argmin(np.abs(np.cumsum(np.linalg.norm(np.diff(flow, axis=0), axis=1)) - 0.28)))
    axes.annotate(
        "",
        flow[k + 1],
        flow[k],
        arrowprops={"arrowstyle": "-|>", "color": "C1", "mutation_scale": 13},
    )
flow = path(2.25, 0.05)
start = flow[np.argmin(np.abs(np.prod(flow, axis=1) - 0.25))]
w = {"W1": np.full((1, 1), start[0]), "W2": np.full((1, 1), start[1])}
jump = lt.teleport(net, group, w, lt.ParameterNorm())
line = [
    group.act(group.geodesic(group.identity(), jump.element, t), w) for t in np.linspace(0, 1, 80)
]
line = np.array([[float(p["W1"][0, 0]), float(p["W2"][0, 0])] for p in line])
axes.plot(*line.T, color="C0", linewidth=3.2)
after = path(*line[-1])
axes.plot(*after.T, color="C0", linewidth=1.8)
axes.plot(*line[0], "o", color="black", markersize=7)
axes.plot(*line[-1], "o", color="C0", markersize=7)
axes.text(1.72, 0.2, "teleport", color="C0", fontsize=12)
axes.text(0.56, 2.04, r"minima: in $\cdot$ out $=1$", fontsize=11)
axes.text(1.72, 1.95, r"flow: in$^2-$out$^2$ is kept", color="C1", fontsize=11)
axes.set(xlim=(0, 3), ylim=(0, 2.2), aspect="equal", xlabel="weight in", ylabel="weight out")
