r"""
Balancing a badly scaled network
================================

Multiply the weights into a ReLU unit by :math:`s` and divide those out of it by :math:`s`: the
network computes the same function. Weights may therefore end up badly scaled without anything to
show for it in the loss, and gradient descent suffers.

Here a network with well-behaved weights is rescaled at random, and then brought back by minimising
the norm of its parameters over the same group,

.. math:: \min_{s > 0}\; \|g_s \cdot w\|^2
    = \sum_k \bigl(s_k^2\,\|w^{\mathrm{in}}_k\|^2 + s_k^{-2}\,\|w^{\mathrm{out}}_k\|^2\bigr)

for one hidden layer. That problem is convex in :math:`\log s` (Kempf & Ness 1979), so the result is
the global minimum. It is *balanced*: what goes into each unit has the norm of what comes out of it
(for matrices: Osborne, J. ACM 7, 1960).
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# A badly scaled network
# ----------------------
# ``random_element`` draws a group element; a large ``scale`` makes it an extreme one.

rng = np.random.default_rng(7)
widths = [10, 24, 24, 5]
X, Y = rng.normal(size=(100, widths[0])), rng.normal(size=(100, widths[-1]))
network = lt.losses.MLP(widths, activation="relu", inputs=X, targets=Y)
group = network.symmetry()

w_bad = group.act(group.random_element(rng, scale=9.0), network.init(rng))

# %%
# One teleport
# ------------
# ``ParameterNorm`` needs no gradient and no data. The status ``"optimal"`` comes with a proved
# lower bound on what any rescaling could reach.

result = lt.teleport(network, group, w_bad, lt.ParameterNorm())
w_good = result.params

outputs_bad, outputs_good = network.forward(w_bad, X), network.forward(w_good, X)
change = np.max(np.abs(outputs_good - outputs_bad)) / np.max(np.abs(outputs_bad))
print(f"status            {result.status}")
print(f"squared norm      {result.objective_before:.2f} -> {result.objective_after:.2f}")
print(f"proved bound      {result.bound:.2f}")
print(f"outputs change by {change:.1e} (relative)")
assert result.status == "optimal"
assert change < 1e-12

# %%
# Before and after
# ----------------
# Each dot is a hidden unit: the norm of its incoming weights against that of its outgoing ones. The
# norms of whole layers become equal as well.


def unit_norms(w: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the norms of incoming and outgoing weights for the units of each hidden layer."""
    return [
        (np.linalg.norm(w[f"W{m}"], axis=1), np.linalg.norm(w[f"W{m + 1}"], axis=0))
        for m in range(1, len(widths) - 1)
    ]


def layer_norms(w: dict[str, np.ndarray]) -> list[float]:
    """Return the Frobenius norm of each layer."""
    return [float(np.linalg.norm(w[f"W{m}"])) for m in range(1, len(widths))]


for norm_in, norm_out in unit_norms(w_good):
    assert np.allclose(norm_in, norm_out, rtol=1e-4), "a unit is not balanced"

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
norms = np.concatenate([np.concatenate(pair) for pair in unit_norms(w_bad) + unit_norms(w_good)])
limits = norms.min() / 1.5, norms.max() * 1.5
left.plot(limits, limits, color="0.35", lw=0.9, ls="--", zorder=0)
for w, color, label in ((w_bad, "C1", "before"), (w_good, "C0", "balanced")):
    for (norm_in, norm_out), marker, layer in zip(unit_norms(w), "os", (1, 2), strict=True):
        left.loglog(
            norm_in,
            norm_out,
            marker,
            color=color,
            ms=5,
            alpha=0.75,
            label=f"layer {layer}, {label}",
        )
left.set(
    xlabel="norm of the weights into a unit",
    ylabel="norm of the weights out of it",
    title="Hidden units",
    xlim=limits,
    ylim=limits,
    aspect="equal",
)
left.legend(loc="lower left", frameon=True)

layers = np.arange(1, len(widths))
right.bar(layers - 0.2, layer_norms(w_bad), 0.38, color="C1", label="before")
right.bar(layers + 0.2, layer_norms(w_good), 0.38, color="C0", label="balanced")
right.set(
    xticks=layers,
    xticklabels=[f"$W_{m}$" for m in layers],
    ylabel="Frobenius norm",
    title="Layers",
)
right.legend()

# %%
# What this does not show: that training gets better. That is measured in
# :ref:`sphx_glr_auto_examples_plot_bad_initialization.py`.
plt.show()
