r"""
Newton's method in one teleport and one step
============================================

On a level set of a quadratic :math:`L = \tfrac12 (w - w^*)^T A (w - w^*)` the gradient is largest
where it is an eigenvector of :math:`A` with the largest eigenvalue :math:`\lambda_1`. There

.. math:: w - \tfrac1{\lambda_1} \nabla L(w) = w - A^{-1} \nabla L(w) = w^* :

one gradient step of size :math:`1/\lambda_1` is a Newton step and ends at the minimum (Zhao et
al., NeurIPS 2022, arXiv:2205.10637, section 5).
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Twenty dimensions, condition number 100
# ---------------------------------------
# The symmetry group is O(20) in the coordinates that make the level sets spheres. It moves every
# point of a level set to every other one.

n, rng = 20, np.random.default_rng(1)
basis, _ = np.linalg.qr(rng.normal(size=(n, n)))
eigenvalues = np.geomspace(1, 100, n)
A = (basis * eigenvalues) @ basis.T
loss = lt.losses.Quadratic((A + A.T) / 2, rng.normal(size=n))
group = loss.symmetry()
w = {"w": loss.minimum + rng.normal(size=n)}

newton = lt.training.SGD(1 / eigenvalues[-1])
best = lt.training.SGD(2 / (eigenvalues[0] + eigenvalues[-1]))  # the best fixed step size
jump = lt.training.Teleports(group, lt.GradientNorm(), at=[0])
runs = {
    "teleport, then steps of $1/\\lambda_1$": lt.training.minimize(
        loss, w, newton, 400, teleports=jump
    ),
    "gradient descent, $1/\\lambda_1$": lt.training.minimize(loss, w, newton, 400),
    "gradient descent, best step size": lt.training.minimize(loss, w, best, 400),
}
one, plain, tuned = runs.values()
result = one.teleports[0].result
print(f"status                          {result.status}, drift {result.drift:.1e}")
print(f"loss after one step             {one.losses[1]:.1e}, from {one.losses[0]:.1f}")
print(f"gradient descent, 400 steps     {plain.losses[-1]:.1e}")
print(f"the same, best fixed step size  {tuned.losses[-1]:.1e}")
assert result.status == "optimal"
assert one.losses[1] < 1e-20 < min(plain.losses[-1], tuned.losses[-1])

# %%
# How far along the way?
# ----------------------
# The element that was found is a rotation in one plane. Following it from the identity, the loss
# stays as it is; the gradient grows to the largest that the level set has,
# :math:`\|\nabla L\|^2 = 2\lambda_1 L`, and what one step of size :math:`1/\lambda_1` leaves of the
# loss goes to zero.

ts = np.linspace(0, 1, 61)
x = group.log(result.element)
points = [group.act(group.exp(t * x), w) for t in ts]
gradients = [loss.gradient(p) for p in points]
before = np.array([loss.value(p) for p in points])
after = np.array(
    [
        loss.value({"w": p["w"] - g["w"] / eigenvalues[-1]})
        for p, g in zip(points, gradients, strict=True)
    ]
)
norms = np.array([g["w"] @ g["w"] for g in gradients])
assert np.allclose(before, before[0], rtol=1e-12)

figure, (left, right) = plt.subplots(1, 2)
lt.plotting.plot_losses(runs, ax=left)
left.set(title="Loss in training", xlim=(-4, 200))
left.legend(loc="center right")
bound = 2 * eigenvalues[-1] * before  # of the squared gradient norm on this level set
right.plot(ts, norms / bound, color="C2", label="squared gradient norm, over $2\\lambda_1 L$")
right.plot(ts, after / before, color="C0", label="loss after one step, over the loss there")
right.axhline(1, color="0.35", lw=0.8, ls=":")
right.set(
    xlabel="part of the way to the largest gradient",
    title="One step from each point on the way",
    ylim=(-0.03, 1.05),
)
right.legend(loc="center right")

# %%
# What this does not show: a free lunch. The direction :math:`u_1` costs some products with
# :math:`A`, and whoever can afford them may also run conjugate gradients. For losses that are no
# quadratics the teleport approximates Newton's method near the minimum only, see
# :ref:`sphx_glr_auto_examples_plot_newton_rate.py`.
plt.show()
