r"""
Sharp and flat points with the same function
============================================

How sharp is a minimum? Where a network has a symmetry, the question has no answer: along the orbit
of a rescaling the network is the *same function*, and every measure of sharpness that is made of
the Hessian goes from its minimum to infinity (Dinh et al., *Sharp Minima Can Generalize For Deep
Nets*, ICML 2017, arXiv:1703.04933).

We follow the geodesic :math:`e^{tx}\cdot w` through the flattest point, and look at the trace and
the largest eigenvalue of the Gauss-Newton matrix :math:`B = J^T J`. The trace moves like a squared
norm, :math:`\operatorname{tr} B(g\cdot w) = \|\rho(g)^{-T} J(w)^T\|_F^2`, so it is convex along
the geodesic, and its minimum over the orbit is proved.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Train, then look for the flattest point of the orbit
# ----------------------------------------------------
# With as many probes as :math:`B` has rank the trace is exact.

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(40, 1))
X = np.hstack([X, np.ones_like(X)])  # a constant input instead of biases
Y = np.sin(2 * X[:, :1])
network = lt.losses.MLP([2, 12, 1], activation="relu", inputs=X, targets=Y)
group = network.symmetry()

history = lt.training.minimize(network, network.init(rng), lt.training.LineSearch(), 600)
trained = history.params
result = lt.teleport(network, group, trained, lt.Sharpness(probes=40))
print(f"loss          {result.loss_before:.4f}, drift {result.drift:.1e}")
print(f"trace         {result.objective_before:.1f} -> {result.objective_after:.1f}")
print(f"              {result.status}, proved bound {result.bound:.1f}")

# %%
# The geodesic from the trained network to the flattest point, and on
# -------------------------------------------------------------------
# The Jacobian of the outputs gives all of :math:`B`, as an independent check of the teleport.


def jacobian(w: dict[str, np.ndarray]) -> np.ndarray:
    """Return the Jacobian of the outputs, shape (samples, parameters)."""
    rows = network.output_jacobian(w)
    return np.hstack([block.reshape(len(X), -1) for block in rows.values()])


x = group.log(result.element)
ts = np.linspace(-6, 8, 141)
points = [group.act(group.exp(t * x), trained) for t in ts]
jacobians = [jacobian(p) for p in points]
trace = np.array([np.sum(J**2) for J in jacobians])
largest = np.array([np.linalg.norm(J, 2) ** 2 for J in jacobians])
gradient = np.array([sum(np.sum(v**2) for v in network.gradient(p).values()) for p in points])
losses = np.array([network.value(p) for p in points])

print(f"loss along it {losses.min():.12f} to {losses.max():.12f}")
assert np.ptp(losses) < 1e-10 * losses[0]
assert result.status == "optimal"
assert np.isclose(np.sum(jacobian(result.params) ** 2), result.objective_after, rtol=1e-9)
assert np.all(np.diff(trace, 2) > 0), "the trace is not convex"
assert abs(ts[np.argmin(trace)] - 1) < 0.11

# %%
# What the network computes
# -------------------------
# Left: trace and largest eigenvalue vary by orders of magnitude. Right: the function does not vary
# at all; the curves at three points of the geodesic lie on each other.

figure, (left, right) = plt.subplots(1, 2)
left.semilogy(ts, trace, color="C0", label="trace of $B$")
left.semilogy(ts, largest, "--", color="C2", label="largest eigenvalue of $B$")
left.semilogy(ts, losses, color="0.35", label="loss")
left.axhline(result.bound, color="C0", lw=0.9, ls=":", label="proved bound on the trace")
for t, marker, label in ((0, "s", "trained"), (1, "o", "flattest")):
    value = trace[np.argmin(abs(ts - t))]
    left.plot(t, value, marker, color="black", ms=6, ls="", label=label)
left.set(xlabel="$t$ along the geodesic", ylabel="sharpness", title="Sharpness on the orbit")
left.legend(loc="center left", bbox_to_anchor=(0.3, 0.35))

line = np.linspace(-2.2, 2.2, 200)
grid = np.column_stack([line, np.ones_like(line)])
right.plot(X[:, 0], Y[:, 0], ".", color="0.6", ms=6, label="data")
for index, style in ((-1, "-"), (0, "--"), (int(np.argmin(abs(ts - 1))), ":")):
    outputs = network.forward(points[index], grid)[:, 0]
    label = f"$t = {ts[index]:.1f}$, trace {trace[index]:.0f}"
    right.plot(line, outputs, style, lw=3 if style == ":" else 1.8, label=label)
right.set(xlabel="input", ylabel="output", title="The same function", ylim=(-1.35, 2.4))
right.legend(loc="upper center")

# %%
# What this does not show: that flat minima generalise. Teleporting to a flatter point changes what
# training does *next*; the function in hand, and its validation error, stay what they were.
plt.show()
