r"""
One-parameter subgroups of geomstats' groups
============================================

Any matrix Lie group of `geomstats <https://geomstats.github.io>`_ can act on a parameter vector:
:class:`~liegroup_teleport.groups.MatrixRepresentation` reads the Lie algebra off it. A
one-parameter subgroup :math:`t \mapsto \exp(tx)` then draws a curve on each orbit,

.. math:: w(t) = \exp(t x)\, w, \qquad \dot w(0) = x\, w.

Here the rotations SO(3), whose orbits are spheres, and the rigid motions SE(2) of the plane.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from geomstats.geometry.special_euclidean import SpecialEuclidean
from geomstats.geometry.special_orthogonal import SpecialOrthogonal

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Two groups
# ----------
# Coordinates of the algebra are in a basis that is orthonormal in the Frobenius product. For a
# rotation this means that ``x`` turns by the angle :math:`\|x\|/\sqrt2`.

so3 = lt.groups.MatrixRepresentation(SpecialOrthogonal(3, point_type="matrix"))
se2 = lt.groups.MatrixRepresentation(SpecialEuclidean(2, point_type="matrix"))
for group in (so3, se2):
    print(f"dimension {group.dim}, compact {group.compact}, self-adjoint {group.self_adjoint}")

rng = np.random.default_rng(2)
w = {"w": np.array([0.75, -0.5, 0.43])}
w = {"w": w["w"] / np.linalg.norm(w["w"])}
turns = np.linspace(0, 2 * np.pi * np.sqrt(2), 241)
circles = [
    np.array([so3.act(so3.exp(t * axis), w)["w"] for t in turns]) for axis in np.eye(so3.dim)
]
assert all(np.allclose(np.linalg.norm(c, axis=1), 1) for c in circles)
assert all(np.allclose(c[-1], c[0]) for c in circles), "a full turn does not come back"

# %%
# The geodesic between two rotations is geomstats' geodesic of its bi-invariant metric, and carries
# ``w`` from one of its images to another.

g, h = so3.random_element(rng, 1.5), so3.random_element(rng, 3.5)
ts = np.linspace(0, 1, 41)
ours = np.array([so3.geodesic(g, h, t)[0] for t in ts])
theirs = so3.geomstats_group.metric.geodesic(initial_point=g[0], end_point=h[0])(ts)
print(f"geodesic: differs from geomstats' by {np.abs(ours - theirs).max():.1e}")
assert np.allclose(ours, theirs, atol=1e-12)
arc = np.array([so3.act(so3.geodesic(g, h, t), w)["w"] for t in ts])

# %%
# Rigid motions of the plane act on homogeneous coordinates (x, y, 1). The parameter may have
# several columns, here the corners of a triangle; all of them move alike.

triangle = {"w": np.array([[0.0, 0.7, 0.0, 0.0], [0.0, 0.15, 0.45, 0.0], [1.0, 1.0, 1.0, 1.0]])}
motions = {
    "rotation": np.array([np.sqrt(2.0), 0.0, 0.0]),
    "translation": np.array([0.0, -0.6, 0.35]),
    "both": np.array([np.sqrt(2.0), 1.6, 0.5]),
}

# %%
# The orbits
# ----------

figure = plt.figure(figsize=(10, 4.8))
left = figure.add_subplot(1, 2, 1, projection="3d")
right = figure.add_subplot(1, 2, 2)
longitude, latitude = np.meshgrid(np.linspace(0, 2 * np.pi, 49), np.linspace(0, np.pi, 25))
left.plot_wireframe(
    np.sin(latitude) * np.cos(longitude),
    np.sin(latitude) * np.sin(longitude),
    np.cos(latitude),
    color="0.88",
    linewidth=0.5,
    rstride=2,
    cstride=2,
)
for k, circle in enumerate(circles):
    left.plot(
        *circle.T, color=f"C{k}", ls=["-", "--", "-."][k], label=f"$\\exp(t\\,x_{k + 1})\\,w$"
    )
left.plot(*arc.T, color="black", lw=2.6, label="geodesic from $g$ to $h$")
left.plot(*arc[[0, -1]].T, "o", color="black", ms=6)
left.plot(*w["w"], "o", color="C3", ms=9, label="$w$")
left.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
left.set_box_aspect((1, 1, 1), zoom=1.3)
left.set_axis_off()
left.view_init(elev=20, azim=-40)
left.set_title("SO(3): orbits are spheres")
left.legend(loc="lower left", bbox_to_anchor=(-0.1, -0.05))

for k, (name, x) in enumerate(motions.items()):
    frames = [se2.act(se2.exp(t * x), triangle)["w"] for t in np.linspace(0, 2.2, 9)]
    for j, frame in enumerate(frames[1:], 1):
        right.fill(*frame[:2], color=f"C{k}", alpha=0.12 + 0.06 * j, lw=0)
    tip = np.array([se2.act(se2.exp(t * x), triangle)["w"][:2, 1] for t in np.linspace(0, 2.2, 80)])
    right.plot(*tip.T, color=f"C{k}", ls=["-", "--", "-."][k], label=name)
right.fill(*triangle["w"][:2], facecolor="white", edgecolor="black", lw=1.5, zorder=5)
right.set(xlabel="$x$", ylabel="$y$", title="SE(2): rigid motions of a triangle", aspect="equal")
right.legend(loc="upper left")

# %%
# A loss with this symmetry
# -------------------------
# The distances of points in space do not change under rotations, and neither does a loss made of
# them. But rotations do not change the length of its gradient either: such a symmetry has nothing
# to teleport for, and the library says so.

wanted = rng.uniform(1, 2, size=(6, 6))


def stress(p: dict[str, np.ndarray]) -> float:
    """Return the squared errors of the distances of six points, the columns of ``w``."""
    apart = p["w"][:, :, None] - p["w"][:, None, :]
    return float(np.sum((np.sum(apart**2, axis=0) - wanted) ** 2))


def stress_gradient(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the gradient of the stress."""
    apart = p["w"][:, :, None] - p["w"][:, None, :]
    errors = np.sum(apart**2, axis=0) - wanted
    return {"w": 4 * np.sum((errors + errors.T) * apart, axis=2)}


loss = lt.losses.from_function(stress, stress_gradient)
points = {"w": rng.normal(size=(3, 6))}
report = so3.check_invariance(loss, points, rng=rng)
result = lt.teleport(loss, so3, points, lt.GradientNorm())
print(f"invariant: {report.passed}, largest drift {report.max_drift:.1e}")
print(f"teleport: {result.status} ({result.message})")
assert report.passed
assert np.isclose(result.objective_after, result.objective_before, rtol=1e-12)
plt.show()
