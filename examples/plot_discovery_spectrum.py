r"""
Symmetries read off the gradients
=================================

A linear vector field :math:`Xw` leaves a loss unchanged if
:math:`\langle\nabla L(w), Xw\rangle = 0` everywhere. At every point that is one linear equation for
the entries of :math:`X`, so a thousand gradients of a network with 30 weights determine all its
linear symmetries: they are the singular vectors that belong to zero.

Here the same network is asked with ReLU and with GELU as its activation. Nothing is known to the
search but gradients, and these carry noise.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Two networks, noisy gradients
# -----------------------------
# Widths 4-5-2. A relative error of 1e-8 is added to each gradient.

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 4)), rng.normal(size=(40, 2))


def discover(activation: str, ansatz: str = "linear") -> tuple[lt.losses.MLP, lt.Discovery]:
    """Return the network and what its gradients say about its symmetries."""
    network = lt.losses.MLP([4, 5, 2], activation=activation, inputs=X, targets=Y)
    errors = np.random.default_rng(1)

    def gradient(w: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        exact = network.gradient(w)
        size = np.sqrt(sum(np.sum(g**2) for g in exact.values()) / 30)
        return {name: g + 1e-8 * size * errors.normal(size=g.shape) for name, g in exact.items()}

    return network, lt.discover_generators(gradient, network.init, ansatz=ansatz)


relu, found = discover("relu")
_, nothing = discover("gelu")
print(found)
print(f"GELU: {nothing.dim} generators")
assert found.dim == 5
assert nothing.dim == 0

# %%
# Each generator scales what goes into a unit one way and what comes out of it the other way: the
# positive rescalings, one for each of the five units. Their noise level was measured by taking a
# gradient twice at the same point.
#
# The spectra
# -----------
# Of 900 singular values five are zero up to noise for ReLU, and none for GELU.

figure, (left, right) = plt.subplots(1, 2)
lt.plotting.plot_spectrum(found, ax=left)
lt.plotting.plot_spectrum(nothing, ax=right)
left.set_title(f"ReLU: {found.algebra}")
right.set(title="GELU: no linear symmetry", ylabel="", ylim=left.get_ylim())

# %%
# A group to use
# --------------
# What was found is a group like any other, and a teleport along it keeps the exact loss.

w = relu.init(rng)
result = lt.teleport(relu, found.group, w, lt.ParameterNorm())
print(f"status         {result.status}")
print(f"squared norm   {result.objective_before:.4f} -> {result.objective_after:.4f}")
print(f"relative drift {result.drift:.1e}")
assert result.drift <= result.allowed_drift

# %%
# What this does not show: symmetries that are not linear, and discrete ones. Swapping two hidden
# units is a symmetry too, but no one-parameter group leads there.
plt.show()
