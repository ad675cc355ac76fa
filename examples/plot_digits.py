r"""
Digits: training, validation, and what else the time would have bought
======================================================================

The small network of Zhao et al. (NeurIPS 2022, arXiv:2205.10637, section 6) on handwritten digits,
widths 64-16-10-10 with LeakyReLU, trained on all images at once with a line search, with and
without teleports to the largest line-search decrease
(:class:`~liegroup_teleport.LineSearchDecrease`). Two controls: the line search begun anew as often
as the teleports begin it anew, and stochastic gradient descent at its best learning rate.
"""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# The data, and a callback that looks at the validation loss
# ----------------------------------------------------------
# A fifth of the images is for validation. Times are processor time of the run, teleports included,
# evaluations for the record not. Matrices as small as these are fastest on one thread.

X, labels = load_digits(return_X_y=True)
X, order = X / 16, np.random.default_rng(0).permutation(len(labels))
valid, train = order[:360], order[360:]


def network_on(index: np.ndarray) -> lt.losses.MLP:
    """Return the loss on some of the images."""
    return lt.losses.MLP(
        [64, 16, 10, 10],
        activation="leaky_relu",
        inputs=X[index],
        targets=labels[index],
        loss="cross_entropy",
    )


network, validation = network_on(train), network_on(valid)
group = network.symmetry()
start = network.init(np.random.default_rng(1))
STEPS, BATCH = 200, 20


def run(
    teleports: lt.training.Teleports | lt.training.Resets | None,
) -> tuple[lt.training.History, np.ndarray]:
    """Train with the line search; return the history and the validation losses, STEPS + 1."""
    losses: list[float] = []
    history = lt.training.minimize(
        network,
        start,
        lt.training.LineSearch(),
        STEPS,
        teleports=teleports,
        callback=lambda t, w, value: losses.append(validation.value(w)),
        clock=time.process_time,
    )
    return history, np.array([*losses, validation.value(history.params)])


jumps = lt.training.Teleports(group, lt.LineSearchDecrease(), every=10, radius=1.0)
with threadpool_limits(1):
    runs = {
        "teleport every 10 steps": run(jumps),
        "plain line search": run(None),
        "search begun anew every 10": run(lt.training.Resets(every=10)),
    }
for name, (history, losses) in runs.items():
    print(
        f"{name:27} training {history.losses[-1]:.3f}, validation {losses[-1]:.3f}, "
        f"{1e3 * history.seconds[-1]:.0f} ms"
    )
moved, plain = runs["teleport every 10 steps"][0], runs["plain line search"][0]
reached = int(np.argmax(moved.losses <= plain.losses[-1]))
print(f"plain's last training loss is reached at step {reached} of {STEPS}")
assert all(event.result.drift <= event.result.allowed_drift for event in moved.teleports)
assert moved.losses[-1] < 0.8 * min(
    history.losses[-1] for name, (history, _) in runs.items() if "teleport" not in name
)

# %%
# Stochastic gradient descent
# ---------------------------
# Fifteen epochs of batches of twenty. The learning rate is the best of four on the training loss,
# which the comparison gives away for free.


def epochs(rate: float, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return seconds, training and validation losses after 0, 1, ... epochs of SGD."""
    rng, w, spent = np.random.default_rng(2), start, 0.0
    rows = [(0.0, network.value(w), validation.value(w))]
    for _ in range(count):
        batches = np.split(rng.permutation(len(train)), range(BATCH, len(train), BATCH))
        history = lt.training.minimize(
            network,
            w,
            lt.training.SGD(rate),
            len(batches),
            batches=batches,
            record="batch",
            clock=time.process_time,
        )
        w, spent = history.params, spent + history.seconds[-1]
        rows.append((spent, network.value(w), validation.value(w)))
    seconds, training, validating = np.array(rows).T
    return seconds, training, validating


with threadpool_limits(1):
    tried = {rate: epochs(rate, 15) for rate in (0.01, 0.03, 0.1, 0.3)}
best = min(tried, key=lambda rate: tried[rate][1][-1])
sgd = tried[best]
print(
    f"SGD, best rate {best}, 15 epochs: training {sgd[1][-1]:.3f}, validation {sgd[2][-1]:.3f}, "
    f"{1e3 * sgd[0][-1]:.0f} ms"
)

# %%
# Curves
# ------
# Per step the teleported run is ahead of both controls, on the training and the validation loss.
# Per second little or nothing is left of that: with so few images a teleport takes as long as ten
# to twenty steps, and beginning the search anew costs nothing. Mini-batches at a good learning rate
# beat all of them.

figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), sharey=True)
for k, (name, (history, losses)) in enumerate(runs.items()):
    for axis, curve in zip(axes[:2], (history.losses, losses), strict=True):
        axis.semilogy(curve, ["-", "--", ":"][k], color=f"C{k}", label=name)
    axes[2].semilogy(history.seconds, losses, ["-", "--", ":"][k], color=f"C{k}")
axes[2].semilogy(sgd[0], sgd[2], "o-.", color="C4", label=f"SGD, learning rate {best}")
axes[0].set(title="Training loss", xlabel="step (whole data set)", ylabel="loss")
axes[1].set(title="Validation loss", xlabel="step (whole data set)")
axes[2].set(title="Validation loss, against time", xlabel="seconds (processor)")
axes[0].legend(loc="lower left")
axes[2].legend(loc="upper right")
axes[2].set_xlim(0, 1.05 * moved.seconds[-1])

# %%
# What this does not show: that teleportation trains networks faster than one would train them. It
# shows what it adds to one method, gradient descent on all data with this line search.
plt.show()
