r"""
Near a minimum, teleportation approximates Newton
=================================================

On a level set the gradient is largest where it is an eigenvector of the Hessian
(:func:`liegroup_teleport.symbolic.prove_gradient_is_hessian_eigenvector`), so the gradient step
there is a Newton step. Pulled back to where we came from, is it the Newton step *here*? For a
quadratic, whose symmetry acts by affine maps, exactly. For other losses only near the minimum.

We measure the angle between the gradient step after the teleport, pulled back by the inverse of
the element that took us there, and the Newton step. Two losses that are no quadratics, each with
a group that is transitive on level sets and with a subgroup that is not.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize_scalar

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Two losses
# ----------
# Both are squared norms in curved coordinates of space, so SO(3) acts on their level sets. The
# first is a chain of two Rosenbrock valleys, the second a cubic chart.


def chart_loss(chart, inverse_chart, jacobian):
    """Return the loss of a chart and its rotation group."""

    def gradient(w):
        return {"w": 2 * jacobian(w["w"]).T @ chart(w["w"])}

    loss = lt.losses.from_function(lambda w: float((chart(w["w"]) ** 2).sum()), gradient)
    return loss, lt.groups.ChartRotation(chart, inverse_chart, jacobian, size=3)


def valley(w):
    """Return the coordinates of a chain of two Rosenbrock valleys."""
    x, y, z = w
    return np.array([x - 1, 3 * (y - x**2), 2 * (z - y**2)])


def valley_inverse(c):
    """Return the point with these coordinates."""
    x = c[0] + 1
    y = c[1] / 3 + x**2
    return np.array([x, y, c[2] / 2 + y**2])


def valley_jacobian(w):
    """Return the derivative of the coordinates."""
    x, y, _ = w
    return np.array([[1, 0, 0], [-6 * x, 3, 0], [0, -4 * y, 2.0]])


def cubic(w):
    """Return the coordinates of a cubic chart."""
    x, y, z = w
    return np.array([2 * x, y + x + x**3, z / 2 + x * y + y])


def cubic_inverse(c):
    """Return the point with these coordinates."""
    x = c[0] / 2
    y = c[1] - x - x**3
    return np.array([x, y, 2 * (c[2] - x * y - y)])


def cubic_jacobian(w):
    """Return the derivative of the coordinates."""
    x, y, _ = w
    return np.array([[2, 0, 0], [1 + 3 * x**2, 1, 0], [y, x + 1, 0.5]])


LOSSES = {
    "valley": chart_loss(valley, valley_inverse, valley_jacobian),
    "cubic": chart_loss(cubic, cubic_inverse, cubic_jacobian),
}
MINIMA = {"valley": np.ones(3), "cubic": np.zeros(3)}
DIRECTION = np.array([0.6, -0.5, 0.7]) / np.linalg.norm([0.6, -0.5, 0.7])
DISTANCES = np.geomspace(1e-2, 1e-6, 13)

# %%
# The two directions
# ------------------


def newton(loss, w):
    """Return the Newton step at ``w``."""
    H = np.stack([loss.hvp(w, {"w": e})["w"] for e in np.eye(3)])
    return -np.linalg.solve((H + H.T) / 2, loss.gradient(w)["w"])


def pulled_back(loss, group, g, w):
    """Return the negative gradient at ``g . w``, pulled back to ``w``."""
    there = group.act(g, w)
    step = {"w": -loss.gradient(there)["w"]}
    return group.act_tangent(group.inverse(g), there, step)["w"]


def angle(a, b):
    """Return the angle between two vectors, accurate for small ones."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))


def best_of_subgroup(loss, group, w):
    """Return the element with the largest gradient among the rotations about one axis."""

    def value(t):
        gradient = loss.gradient(group.act(group.exp(np.array([0.0, t, 0.0])), w))["w"]
        return -float(gradient @ gradient)

    turn = 2 * np.pi * np.sqrt(2)
    ts = np.linspace(0, turn, 241)
    start = ts[np.argmin([value(t) for t in ts])]
    step = turn / 240
    found = minimize_scalar(
        value, bounds=(start - step, start + step), method="bounded", options={"xatol": 1e-12}
    )
    return group.exp(np.array([0.0, found.x, 0.0]))


# %%
# Angle against distance
# ----------------------
# ``teleport`` finds the largest gradient on the whole level set; ``best_of_subgroup`` on a circle
# in it.

angles: dict[tuple[str, str], list[float]] = {}
statuses = set()
for name, (loss, group) in LOSSES.items():
    for distance in DISTANCES:
        w = {"w": MINIMA[name] + distance * DIRECTION}
        jump = lt.teleport(loss, group, w, lt.GradientNorm(), rng=np.random.default_rng(0))
        statuses.add(jump.status)
        elements = {
            "transitive": jump.element,
            "smaller": best_of_subgroup(loss, group, w),
        }
        for kind, g in elements.items():
            there = pulled_back(loss, group, g, w)
            angles.setdefault((name, kind), []).append(angle(there, newton(loss, w)))

near = DISTANCES <= 1.01e-4
slopes = {
    key: float(np.polyfit(np.log(DISTANCES[near]), np.log(np.array(values)[near]), 1)[0])
    for key, values in angles.items()
}
print(f"teleports ended as {sorted(statuses)} (no optimal certificate is needed here)")
for (name, kind), slope in slopes.items():
    first, last = angles[name, kind][0], angles[name, kind][-1]
    print(f"{name:7} {kind:11} angle {first:.1e} -> {last:.1e}, distance to the power {slope:.2f}")

for (name, kind), slope in slopes.items():
    assert abs(slope - (kind == "transitive")) < 0.1, (name, kind, slope)

# %%
# With the transitive group the angle goes to zero with the first power of the distance. With the
# smaller group it stays where it is: the step is not Newton's, however close the minimum. The
# remark of Zhao et al. (NeurIPS 2022) is about groups that are transitive on level sets.

figure, axis = plt.subplots(figsize=(6.8, 4.6))
for (name, kind), values in angles.items():
    axis.loglog(
        DISTANCES,
        values,
        "o-" if name == "valley" else "s--",
        color="C0" if kind == "transitive" else "C1",
        label=f"{name}, {kind} group",
    )
axis.loglog(DISTANCES, 3 * DISTANCES, color="0.35", lw=1, ls=":", label="first power")
axis.set(
    xlabel="distance to the minimum",
    ylabel="angle to the Newton step (rad)",
    title="The step after a teleport, pulled back",
    ylim=(1e-9, 5),
)
axis.legend(loc="lower right")
plt.show()
