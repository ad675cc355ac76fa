r"""
The gradient along an orbit: a valley without a summit
======================================================

Along an orbit of the positive rescalings the loss of a ReLU network is constant, its gradient is
not. By the cotangent rule :math:`\nabla L(g\cdot w) = \rho(g)^{-T}\,\nabla L(w)` the squared norm
in log-scales :math:`x` is a sum of exponentials,

.. math:: \|\nabla L(e^{x}\cdot w)\|^2 = \sum_k c_k\, e^{-2\langle a_k, x\rangle}, \qquad c_k \ge 0,

and so is convex (Kempf & Ness 1979; for rescalings this is matrix balancing, Osborne 1960). Its
minimum can be found and proved; a maximum does not exist until one says how far to look.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# The whole orbit in one picture
# ------------------------------
# Two hidden units make an orbit of dimension two. *One* gradient serves all its points.

rng = np.random.default_rng(3)
X, Y = rng.normal(size=(50, 3)), rng.normal(size=(50, 2))
network = lt.losses.MLP([3, 2, 2], activation="relu", inputs=X, targets=Y)
group, w = network.symmetry(), network.init(rng)
gradient = network.gradient(w)


def squared_norm(x: np.ndarray) -> float:
    """Return the squared norm of the gradient at ``exp(x) . w``."""
    moved = group.act_cotangent(group.exp(x), w, gradient)
    return sum(float(np.sum(v**2)) for v in moved.values())


RADIUS = 1.5
least = lt.teleport(network, group, w, lt.GradientNorm(), sense="min")
most = lt.teleport(network, group, w, lt.GradientNorm(), radius=RADIUS)
print(f"start    {least.objective_before:.2f}")
print(f"least    {least.objective_after:.2f}  {least.status}, proved bound {least.bound:.2f}")
print(f"largest  {most.objective_after:.2f}  {most.status} of radius {RADIUS}")
try:
    lt.teleport(network, group, w, lt.GradientNorm())
except lt.UnboundedOrbitError as error:
    print(f"without a radius: {str(error)[:60]}...")

x = rng.normal(size=2)
there = network.gradient(group.act(group.exp(x), w))
direct = sum(float(np.sum(v**2)) for v in there.values())
assert abs(squared_norm(x) / direct - 1) < 1e-12, "the cotangent rule does not hold"
assert least.status == "optimal"
assert most.status == "boundary"

# %%
# A bigger network, along one-parameter subgroups
# -----------------------------------------------
# Forty units; five random unit directions through the minimum. Every curve has its minimum at the
# same point and is convex; far out every one grows exponentially.

wide = lt.losses.MLP([3, 20, 20, 2], activation="relu", inputs=X, targets=Y)
wide_group, wide_w = wide.symmetry(), wide.init(rng)
center = lt.teleport(wide, wide_group, wide_w, lt.GradientNorm(), sense="min")
ts = np.linspace(-12, 12, 241)
profiles = []
for _ in range(5):
    direction = rng.normal(size=wide_group.dim)
    direction /= np.linalg.norm(direction)
    at_center = wide.gradient(center.params)
    curve = []
    for t in ts:
        moved = wide_group.act_cotangent(wide_group.exp(t * direction), center.params, at_center)
        curve.append(sum(float(np.sum(v**2)) for v in moved.values()))
    profiles.append(np.array(curve))
    assert np.all(np.diff(curve, 2) > 0), "a profile is not convex"
    assert curve[0] > curve[len(ts) // 2] < curve[-1]
print(f"40 units: {center.objective_before:.2f} -> {center.objective_after:.2f}, {center.status}")

# %%
# Sublevel sets are convex, so there is one valley. The largest value within a distance lies on the
# circle.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
side = np.linspace(-2.6, 2.6, 121)
values = np.array([[squared_norm(np.array([a, b])) for a in side] for b in side])
levels = least.objective_after * np.geomspace(0.999, values.max() / least.objective_after, 14)
contours = left.contourf(side, side, np.log10(values), np.log10(levels), cmap="cividis")
figure.colorbar(contours, ax=left, label="$\\log_{10}$ squared gradient norm", format="%.1f")
turn = np.linspace(0, 2 * np.pi, 200)
left.plot(RADIUS * np.cos(turn), RADIUS * np.sin(turn), "w--", lw=1)
for point, marker, label in (
    ((0, 0), "s", "start"),
    (group.log(least.element), "o", "least"),
    (group.log(most.element), "^", f"largest within {RADIUS}"),
):
    left.plot(*point, marker, color="white", mec="black", ms=9, label=label)
left.set(
    xlabel="log-scale of unit 1",
    ylabel="log-scale of unit 2",
    title="Two units: the whole orbit",
    aspect="equal",
)
left.legend(loc="lower left", frameon=True)

for k, curve in enumerate(profiles):
    right.semilogy(ts, curve, color=f"C{k}")
right.axhline(center.bound, color="0.35", ls=":", label="proved lower bound")
right.plot(0, center.objective_after, "o", color="black", ms=6, label="the minimum found")
right.set(
    xlabel="$t$",
    ylabel="squared gradient norm at $\\exp(tx)$",
    title="Forty units: five one-parameter subgroups",
)
right.legend()

# %%
# What this does not show: that a larger gradient is better. Far out, one unit takes all of it, and
# the step size that is stable shrinks as fast.
# :class:`~liegroup_teleport.LineSearchDecrease` is the objective that takes this into account.
plt.show()
