r"""
What training conserves, and a teleport does not
================================================

Gradient flow on a ReLU network conserves one number for each hidden unit (Noether's theorem),

.. math:: Q_k = \|w^{\mathrm{in}}_k\|^2 - \|w^{\mathrm{out}}_k\|^2 = \mu_k(w),

the moment map of the positive rescalings (see Zhao et al., *Symmetries, Flat Minima, and the
Conserved Quantities of Gradient Flow*, ICLR 2023, arXiv:2210.17216). A badly balanced network
therefore stays badly balanced. Gradient descent with steps of size :math:`\eta` is not the flow;
as the gradient is orthogonal to the orbit, its error has no first order, and
the second is a moment map again:

.. math:: Q(w - \eta\,\nabla L) - Q(w) = \eta^2\, \mu(\nabla L).

Over a fixed time this adds up to something proportional to :math:`\eta`.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# The same time with smaller and smaller steps
# --------------------------------------------
# ``conserved(w)`` returns one number for each unit. The callback records them before each step.

rng = np.random.default_rng(4)
X, Y = rng.normal(size=(60, 4)), rng.normal(size=(60, 2))
network = lt.losses.MLP([4, 6, 2], activation="relu", inputs=X, targets=Y)
group, start = network.symmetry(), network.init(rng)
TIME = 0.25


def run(
    rate: float, teleports: lt.training.Teleports | None = None
) -> tuple[np.ndarray, np.ndarray, lt.training.History]:
    """Return the charges before each step, the sum of their changes by the formula, the run."""
    charges: list[np.ndarray] = []
    predicted: list[np.ndarray] = []

    def record(t: int, w: dict[str, np.ndarray], value: float) -> None:
        charges.append(group.conserved(w))
        predicted.append(rate**2 * group.moment_map(network.gradient(w)))

    history = lt.training.minimize(
        network,
        start,
        lt.training.SGD(rate),
        round(TIME / rate),
        teleports=teleports,
        callback=record,
    )
    charges.append(group.conserved(history.params))
    return np.array(charges), np.sum(predicted, axis=0), history


rates = 2e-3 / 2.0 ** np.arange(6)
drifts = []
for rate in rates:
    charges, predicted, history = run(rate)
    change = charges[-1] - charges[0]
    drifts.append(float(np.linalg.norm(change)))
    assert np.allclose(change, predicted, rtol=1e-6, atol=1e-12), "the formula does not hold"
    print(f"step size {rate:.1e}: loss {history.losses[-1]:.4f}, drift of Q {drifts[-1]:.2e}")
slope = np.polyfit(np.log(rates[2:]), np.log(drifts[2:]), 1)[0]
print(f"drift is proportional to the step size to the power {slope:.3f}")
assert abs(slope - 1) < 0.05

# %%
# A teleport in the middle
# ------------------------
# The teleport to the smallest parameter norm ends where :math:`\mu(w) = 0`: all charges jump to
# zero, and training keeps them there. The loss has no jump.

rate, middle = 2.5e-4, round(TIME / 2.5e-4) // 2
balance = lt.training.Teleports(group, lt.ParameterNorm(), at=[middle])
charges, _, jumped = run(rate, balance)
_, _, plain = run(rate)
result = jumped.teleports[0].result
print(f"teleport: {result.status}, drift of the loss {result.drift:.1e}")
print(f"largest |Q| before it {abs(charges[middle - 1]).max():.3f}, after {TIME}: ", end="")
print(f"{abs(charges[-1]).max():.1e}")
assert abs(charges[:middle] - charges[0]).max() < 0.02
assert abs(charges[middle]).max() < 1e-6
assert abs(charges[middle:]).max() < 0.02

figure, (left, right) = plt.subplots(1, 2)
times = rate * np.arange(len(charges))
for k in range(group.dim):
    before = left.plot(times[:middle], charges[:middle, k], color="C1")[0]
    after = left.plot(times[middle:], charges[middle:, k], color="C0")[0]
    left.plot(
        times[[middle - 1, middle]], charges[[middle - 1, middle], k], color="0.6", lw=0.9, ls=":"
    )
before.set_label("as initialised")
after.set_label("after the teleport")
left.set(
    xlabel="time (step size × steps)",
    ylabel="charge $Q_k$ of each unit",
    title="Six conserved numbers, and one jump",
)
left.legend(loc="upper right")

right.loglog(rates, drifts, "o-", color="C1", label="drift of the charges, $|\\Delta Q|$")
guide = drifts[-1] * rates / rates[-1]
right.loglog(rates, guide, ":", color="0.35", label="first power of the step size")
right.set(
    xlabel="step size", ylabel="$|\\Delta Q|$ over the same time", title="Descent is not quite flow"
)
right.legend(loc="upper left")

# %%
# What this does not show: a law for every optimizer. Mini-batches obey the same formula, since each
# of their gradients is orthogonal to the orbit; Adam, which scales every coordinate by itself,
# moves along the orbit as well, and does not conserve these numbers even in the limit of small
# steps.
plt.show()
