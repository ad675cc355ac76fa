r"""
Jumps out of Rosenbrock's valley
================================

Rosenbrock's function is a squared norm too, in curved coordinates,

.. math:: L(x, y) = 100\,(x^2 - y)^2 + (x - 1)^2 = \|\varphi(x, y)\|^2,
    \qquad \varphi(x, y) = \bigl(10\,(x^2 - y),\; x - 1\bigr),

so SO(2) acts on its level sets by :math:`w \mapsto \varphi^{-1}(R\,\varphi(w))`. This action is
not linear, and the orbits are bananas. Gradient descent is slow on the floor of the valley,
where the gradient is small; on the walls, at the same loss, it is large (Zhao et al., NeurIPS
2022, arXiv:2205.10637, section 6).
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# A thousand steps, ten jumps
# ---------------------------
# The step size and the schedule are those of the paper.

START = {"w": np.array([-1.0, -1.0])}
STEPS, JUMPS = 1000, range(99, 1000, 100)

loss = lt.losses.Rosenbrock()
group = loss.symmetry()


def run(teleports: lt.training.Teleports | None = None) -> tuple[np.ndarray, lt.training.History]:
    """Return the points of a run, shape (STEPS + 1, 2), and its history."""
    points: list[np.ndarray] = []
    history = lt.training.minimize(
        loss,
        START,
        lt.training.SGD(learning_rate=1e-3),
        STEPS,
        teleports=teleports,
        callback=lambda t, w, value: points.append(w["w"]),
    )
    return np.array([*points, history.params["w"]]), history


plain_path, plain = run()
jump_path, jump = run(lt.training.Teleports(group, lt.GradientNorm(), at=JUMPS))

first = jump.teleports[0].result
drift = max(event.result.drift for event in jump.teleports)
print(f"first jump       |gradient|^2 {first.objective_before:.3g} -> {first.objective_after:.3g}")
print(f"largest drift    {drift:.1e} of ten jumps (relative)")
print(f"final loss       {plain.losses[-1]:.3g} plain, {jump.losses[-1]:.3g} with teleports")
assert all(event.result.drift <= event.result.allowed_drift for event in jump.teleports)
assert first.objective_after > 100 * first.objective_before
assert jump.losses[-1] < 1e-20 < plain.losses[-1]

# %%
# The level set of the first jump
# -------------------------------
# The teleport goes from the floor of the valley to the wall, past the minimum. Descent from there
# crosses the floor close to the minimum. (The later jumps start from losses below 1e-17, where a
# digit of the loss is lost to the rounding of the parameters; ``allowed_drift`` accounts for it.)

before = {"w": plain_path[JUMPS[0]]}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.8))
lt.plotting.plot_level_set(
    loss, group, before, first, window=(-1.4, 3.6, -1.4, 4.0), gradient_field=False, ax=left
)
left.plot(*plain_path.T, "--", color="C1", lw=2, label="gradient descent")
left.plot(*jump_path[JUMPS[0] :].T, ":", color="C0", lw=1.2, label="after the jumps")
left.plot(1, 1, "*", color="black", ms=10, ls="", label="minimum", zorder=7)
left.set(xlabel="$x$", ylabel="$y$", title="The first jump")
left.legend(loc="lower right", frameon=True)

lt.plotting.plot_losses({"a teleport every 100 steps": jump, "gradient descent": plain}, ax=right)
right.set_title("Loss")

# %%
# What this does not show: that jumping pays in general. Here the group is known in closed form and
# transitive on level sets, and one loss costs nothing; neither is so for a network.
plt.show()
