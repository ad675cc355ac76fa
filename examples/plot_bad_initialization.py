r"""
Undoing a badly scaled initialisation
=====================================

Take a well initialised ReLU network, and multiply what goes into each hidden unit by a factor
between 1e-3 and 1e3, dividing what comes out by the same. The function, the loss and the best
reachable loss are what they were; the gradient is not, and training hardly moves. One teleport
to the smallest parameter norm repairs it, from the weights alone.

On a balanced network the moment map :math:`\mu(w) = \|w^{\mathrm{in}}\|^2 - \|w^{\mathrm{out}}\|^2`
is zero (Kempf & Ness 1979), and gradient descent keeps it close to that, see
:ref:`sphx_glr_auto_examples_plot_noether.py`.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Three starts that are the same function
# ---------------------------------------

rng = np.random.default_rng(0)
X, labels = load_digits(return_X_y=True)
X, labels = X[:600] / 16, labels[:600]
network = lt.losses.MLP(
    [64, 32, 16, 10], activation="relu", inputs=X, targets=labels, loss="cross_entropy"
)
group = network.symmetry()
good = network.init(rng)
bad = group.act(10.0 ** rng.uniform(-3, 3, size=group.dim), good)
balance = lt.teleport(network, group, bad, lt.ParameterNorm())

starts = {"good, then spoiled, then balanced": balance.params, "good, then spoiled": bad}
starts["good"] = good
for name, w in starts.items():
    size = np.sqrt(sum(np.sum(array**2) for array in w.values()))
    print(f"{name:34} loss {network.value(w):.12f}, parameter norm {size:.3g}")
print(f"{balance.status}, drift {balance.drift:.1e}")
assert balance.status == "optimal"
assert balance.drift <= balance.allowed_drift

# %%
# Training
# --------
# With a line search, so that no start suffers from a step size that was tuned for another one; and
# with Adam, which scales each coordinate by itself.

optimizers = {
    "Gradient descent with line search": lt.training.LineSearch(),
    "Adam, learning rate 0.003": lt.training.Adam(3e-3),
}
STEPS = 150
figure, axes = plt.subplots(1, 2, sharey=True)
final = {}
for axis, (title, optimizer) in zip(axes, optimizers.items(), strict=True):
    runs = {name: lt.training.minimize(network, w, optimizer, STEPS) for name, w in starts.items()}
    final[title] = {name: history.losses[-1] for name, history in runs.items()}
    print(title)
    for name, loss in final[title].items():
        print(f"    {name:34} loss {loss:.3g}")
    lt.plotting.plot_losses(runs, ax=axis)
    axis.set_title(title)
axes[0].legend(loc="lower left")
axes[1].get_legend().remove()
axes[1].set_ylabel("")
balanced, spoiled, original = final["Gradient descent with line search"].values()
assert balanced < 0.2 * spoiled
assert 0.5 < balanced / original < 2

# %%
# Gradient descent depends on the scales, and the balanced start trains like the good one. Adam does
# not mind the spoiled start: after a peak at its first step it ends even lower from it. So this is
# a remedy for gradient descent, and not a reason to teleport before Adam. Nor does balancing
# improve an initialisation that was good.
plt.show()
