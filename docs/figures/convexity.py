"""Convex downwards, unbounded upwards: the gradient norm over two log-scales."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(2)
X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
net = lt.losses.MLP([3, 2, 2], activation="relu", inputs=X, targets=Y)
group, w = net.symmetry(), net.init(rng)
slope = net.gradient(w)


def norm(*scales):
    """Return the squared gradient norm at log-scales, from the one gradient at w."""
    v = group.act_cotangent(group.exp(np.array(scales)), w, slope)
    return sum(float(np.sum(a * a)) for a in v.values())


figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.0), width_ratios=[1, 1.1])
times = np.linspace(-1.6, 1.6, 161)
for k, angle in enumerate(np.deg2rad([0, 45, 90, 135])):
    curve = [norm(t * np.cos(angle), t * np.sin(angle)) for t in times]
    left.semilogy(times, curve, "-" if k % 2 == 0 else "--", label=f"{np.rad2deg(angle):.0f}°")
left.plot(0, norm(0, 0), "o", color="black", markersize=7)
left.set(xlabel="$t$", ylabel=r"$\|\nabla L(e^{tX}\cdot w)\|^2$", title="Along four geodesics")
left.legend(title="direction of $X$", loc="upper center", ncols=2)

s = np.linspace(-1.5, 1.5, 101)
values = np.array([[norm(a, b) for a in s] for b in s])
levels = np.geomspace(values.min() * 1.02, values.max(), 22)
right.contourf(s, s, np.log(values), levels=np.log(levels), cmap="Blues", alpha=0.85)
right.contour(s, s, np.log(values), levels=np.log(levels), colors="white", linewidths=0.5)
least = lt.teleport(net, group, w, lt.GradientNorm(), sense="min")
most = lt.teleport(net, group, w, lt.GradientNorm(), radius=1.0)
circle = np.linspace(0, 2 * np.pi, 200)
right.plot(np.cos(circle), np.sin(circle), "--", color="0.25", linewidth=1.2)
right.plot(0, 0, "o", color="black", markersize=7)
right.plot(*group.log(least.element), "*", color="C1", markersize=14)
right.plot(*group.log(most.element), "D", color="C1", markersize=8)
right.annotate("$w$", (0, 0), xytext=(5, 5), textcoords="offset points", fontsize=12)
box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
for element, text, place in (
    (least.element, "minimum", (9, -3)),
    (most.element, "maximum\nwithin radius 1", (4, -36)),
):
    right.annotate(
        text, group.log(element), xytext=place, textcoords="offset points", bbox=box, fontsize=10
    )
right.set(xlabel="log-scale of unit 1", ylabel="log-scale of unit 2", aspect="equal")
right.set_title("All of them (logarithmic shading)")
