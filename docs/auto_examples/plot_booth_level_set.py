r"""
A jump along a level set
========================

Booth's function is a squared norm in the right coordinates,

.. math:: L(x, y) = (x + 2y - 7)^2 + (2x + y - 5)^2,

so rotations of these coordinates do not change it. Its level sets are ellipses, and a teleport
moves along one of them.

We follow ten steps of gradient descent, once as they are and once with a single teleport before
step 4, to the point of the level set where the gradient is largest.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

# %%
# Two runs from the same start
# ----------------------------
# A callback records where each step starts. The group comes from the loss; ``at=[4]`` says when to
# teleport.

START = {"w": np.array([5.0, -5.0])}
STEPS, JUMP = 10, 4

loss = lt.losses.Booth()
optimizer = lt.training.SGD(learning_rate=0.08)


def run(teleports: lt.training.Teleports | None = None) -> tuple[np.ndarray, lt.training.History]:
    """Return the points of a run, shape (STEPS + 1, 2), and its history."""
    points: list[np.ndarray] = []
    history = lt.training.minimize(
        loss,
        START,
        optimizer,
        STEPS,
        teleports=teleports,
        callback=lambda t, w, value: points.append(w["w"]),
    )
    return np.array([*points, history.params["w"]]), history


group = loss.symmetry()
plain_path, plain = run()
jump_path, jump = run(lt.training.Teleports(group, lt.GradientNorm(), at=[JUMP]))

# %%
# The teleport keeps the loss to the last digits, and says how far it may be trusted:
# ``"optimal"`` is a proved global maximum on the orbit.

event = jump.teleports[0]
result = event.result
print(f"status           {result.status}")
print(f"loss before      {result.loss_before:.12f}")
print(f"loss after       {result.loss_after:.12f}")
print(f"relative drift   {result.drift:.1e}  (allowed {result.allowed_drift:.1e})")
print(f"|gradient|^2     {result.objective_before:.3f} -> {result.objective_after:.3f}")
print(f"final loss       {plain.losses[-1]:.2e} plain, {jump.losses[-1]:.2e} with the teleport")

# %%
# The level set, the orbit on it, and the gradient
# ------------------------------------------------
# Here the orbit is the whole level set. The long arrows are minus the gradient before and after the
# teleport, on one scale.

before = {"w": plain_path[JUMP]}
lt.plotting.plot_level_set(loss, group, before, result)

# %%
# What the jump is good for
# -------------------------
# On the level set of step 4 the gradient is largest on the short axis of the ellipse, and from
# there it points straight at the minimum. The dashed line is the one-parameter subgroup
# ``exp(t x)`` that leads there: it stays on the level set all the way.

direction = group.log(result.element)
arc = np.array([group.act(group.exp(t * direction), before)["w"] for t in np.linspace(0, 1, 60)])

BLUE, RED, GREY = "#3366a8", "#c8442e", "#8a8f98"
x, y = np.meshgrid(np.linspace(-2.2, 7.6, 400), np.linspace(-5.6, 6.8, 400))
values = (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2

figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.8), layout="constrained")
left.contour(x, y, values, levels=np.geomspace(0.5, 300, 12), colors=GREY, linewidths=0.5)
left.contour(x, y, values, levels=[result.loss_before], colors="black", linewidths=1.3)
left.plot(*plain_path.T, "o-", color=BLUE, ms=4, lw=1.5, label="gradient descent")
left.plot(*jump_path[JUMP:].T, "o-", color=RED, ms=4, lw=1.5, label="after the teleport")
left.plot(*arc.T, color=RED, lw=2.2, ls=(0, (2, 1.2)), label="the teleport")
left.plot(1, 3, "*", color="black", ms=11, label="minimum")
left.set(xlabel="$x$", ylabel="$y$", title="Level sets, and one jump", aspect="equal")
left.legend(loc="lower left", frameon=True, framealpha=0.95)

right.semilogy(plain.losses, "o-", color=BLUE, ms=4, lw=1.5, label="gradient descent")
right.semilogy(jump.losses, "o-", color=RED, ms=4, lw=1.5, label="one teleport before step 4")
right.axvline(JUMP, color=GREY, lw=0.8, ls=":")
right.set(xlabel="step", ylabel="loss", title="The loss falls faster after it")
right.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
