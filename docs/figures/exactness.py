"""How far rounding moves the loss, and what is allowed."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(0)
loss = lt.losses.Rosenbrock()
group = loss.symmetry()
eps = np.finfo(float).eps
figure, axes = plt.subplots(figsize=(7.0, 4.0))
values, drifts, allowed = [], [], []
for exponent in np.linspace(-9, 1, 160):
    u, v = 10**exponent * rng.normal(size=2)
    x = 1 + v
    w = {"w": np.array([x, x * x - u / 10])}  # the chart's coordinates are (u, v)
    g = group.exp(rng.uniform(-np.pi, np.pi, size=1))
    moved = group.act(g, w)
    slope = np.linalg.norm(loss.gradient(moved)["w"])
    before = loss.value(w)
    values.append(before)
    drifts.append(max(abs(loss.value(moved) - before), 1e-35))
    allowed.append(4096 * eps * before + 64 * eps * slope * np.linalg.norm(moved["w"]))
order = np.argsort(values)
values, drifts, allowed = (np.array(a)[order] for a in (values, drifts, allowed))
axes.loglog(values, drifts, "o", color="C0", markersize=4, label="an exact rotation")
axes.loglog(values, allowed, color="C1", linewidth=0, marker="_", markersize=7, label="allowed")
axes.loglog(values, 1e-12 * values, "--", color="0.5", label=r"a fixed tolerance, $10^{-12}L$")
axes.set(
    xlabel="loss $L$ (Rosenbrock)",
    ylabel=r"$|\Delta L|$",
    title="Rounding near a minimum",
    ylim=(1e-31, None),
)
axes.legend()
