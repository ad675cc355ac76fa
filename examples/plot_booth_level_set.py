r"""
A jump along a level set
========================

Booth's function is a squared norm in the right coordinates,

.. math:: L(x, y) = (x + 2y - 7)^2 + (2x + y - 5)^2,

so rotations of these coordinates do not change it. Its level sets are ellipses, and a teleport
moves along one of them (Zhao et al., *Symmetry Teleportation for Accelerated Optimization*,
NeurIPS 2022, arXiv:2205.10637, section 6).

We follow ten steps of gradient descent, once as they are and once with a single teleport before
step 4, to the point of the level set where the gradient is largest.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Two runs from the same start
# ----------------------------
# A callback records where each step starts. The group comes from the loss; ``at=[4]`` says when to
# teleport.

START = {"w": np.array([5.0, -5.0])}
STEPS, JUMP = 10, 4

loss = lt.losses.Booth()
group = loss.symmetry()


def run(teleports: lt.training.Teleports | None = None) -> tuple[np.ndarray, lt.training.History]:
    """Return the points of a run, shape (STEPS + 1, 2), and its history."""
    points: list[np.ndarray] = []
    history = lt.training.minimize(
        loss,
        START,
        lt.training.SGD(learning_rate=0.08),
        STEPS,
        teleports=teleports,
        callback=lambda t, w, value: points.append(w["w"]),
    )
    return np.array([*points, history.params["w"]]), history


plain_path, plain = run()
jump_path, jump = run(lt.training.Teleports(group, lt.GradientNorm(), at=[JUMP]))

# %%
# The teleport keeps the loss to the last digits, and says how far it may be trusted:
# ``"optimal"`` is a proved global maximum on the orbit.

result = jump.teleports[0].result
print(f"status           {result.status}")
print(f"loss before      {result.loss_before:.12f}")
print(f"loss after       {result.loss_after:.12f}")
print(f"relative drift   {result.drift:.1e}  (allowed {result.allowed_drift:.1e})")
print(f"|gradient|^2     {result.objective_before:.3f} -> {result.objective_after:.3f}")
print(f"final loss       {plain.losses[-1]:.2e} plain, {jump.losses[-1]:.2e} with the teleport")
assert result.status == "optimal"
assert result.drift <= result.allowed_drift
assert jump.losses[-1] < 1e-3 * plain.losses[-1]

# %%
# The level set, and what the jump is good for
# --------------------------------------------
# Here the orbit is the whole level set. The thick arrows are minus the gradient before and after
# the teleport, on one scale: on the short axis of the ellipse the gradient is largest, and from
# there it points straight at the minimum. The loss is the same at both ends of the jump (the dots
# in the right panel), and only what comes after is faster.

before = {"w": plain_path[JUMP]}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.8), width_ratios=[1, 1.1])
window = (-3.4, 8.2, -5.8, 6.9)
lt.plotting.plot_level_set(
    loss, group, before, result, window=window, gradient_field=False, ax=left
)
left.plot(*plain_path.T, "s--", color="C1", label="gradient descent")
left.plot(*jump_path[JUMP:].T, "o-", color="C0")
left.plot(1, 3, "*", color="black", ms=10, ls="", label="minimum")
left.set(xlabel="$x$", ylabel="$y$", title="One level set, and one jump on it")
left.legend(loc="lower left", frameon=True)

lt.plotting.plot_losses(
    {f"one teleport, before step {JUMP}": jump, "gradient descent": plain}, ax=right
)
right.set_title("The loss falls faster after it")

# %%
# What this does not show: that no step size would have done as well. Plain descent can do little
# better here, the ellipse is too long; a *learning rate* that fits the jump does much better still,
# see :ref:`sphx_glr_auto_examples_plot_newton_step.py`.

rates = np.linspace(0.02, 0.11, 91)
finals = [
    lt.training.minimize(loss, START, lt.training.SGD(rate), STEPS).losses[-1] for rate in rates
]
print(f"best of {len(rates)} fixed step sizes without a teleport: {min(finals):.2g}")
assert min(finals) > 100 * jump.losses[-1]
plt.show()
