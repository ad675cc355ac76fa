r"""
Equalising layers before rounding to 8 bits
===========================================

Rounding a weight matrix to 8-bit integers with one scale for the whole matrix makes an error that
goes with its *largest* entry; small rows drown in it. The rescaling symmetry of a ReLU network
moves size between rows and columns at no cost to the function, and so can be used to equalise them
first (Nagel et al., *Data-Free Quantization Through Weight Equalization and Bias Correction*,
ICCV 2019, arXiv:1906.04721, who equalise ranges). We use the balanced network, which has the
smallest parameter norm, and ask the network as it was trained and one with spoiled scales.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# Train on digits
# ---------------

rng = np.random.default_rng(0)
X, labels = load_digits(return_X_y=True)
order = rng.permutation(len(labels))
X, labels = X[order] / 16, labels[order]
train, test = slice(0, 1300), slice(1300, None)
network = lt.losses.MLP(
    [64, 32, 32, 10],
    activation="relu",
    inputs=X[train],
    targets=labels[train],
    loss="cross_entropy",
    bias=True,
)
group = network.symmetry()
history = lt.training.minimize(
    network, network.init(rng), lt.training.Adam(0.01), 150, record="batch"
)
trained = history.params


def accuracy(w: dict[str, np.ndarray]) -> float:
    """Return the accuracy on the test images."""
    return float(np.mean(np.argmax(network.forward(w, X[test]), axis=1) == labels[test]))


# %%
# Round, with and without a teleport before
# -----------------------------------------
# The spoiled network computes the same function as the trained one. Biases are kept: they take
# part in the symmetry, but few bits are saved on them.


def rounded(w: dict[str, np.ndarray], bits: int) -> dict[str, np.ndarray]:
    """Return the network with its matrices rounded to integers of ``bits`` bits, one scale each."""
    out = dict(w)
    for name in ("W1", "W2", "W3"):
        step = np.max(np.abs(w[name])) / (2 ** (bits - 1) - 1)
        out[name] = step * np.round(w[name] / step)
    return out


def error(w: dict[str, np.ndarray], bits: int) -> float:
    """Return the relative error that rounding makes in the outputs."""
    exact = network.forward(trained, X[test])
    return float(
        np.linalg.norm(network.forward(rounded(w, bits), X[test]) - exact) / np.linalg.norm(exact)
    )


spoiled = group.act(10.0 ** rng.uniform(-1.5, 1.5, size=group.dim), trained)
networks = {"trained": trained, "spoiled": spoiled}
for name in ("trained", "spoiled"):
    result = lt.teleport(network, group, networks[name], lt.ParameterNorm())
    assert result.drift <= result.allowed_drift
    networks[f"{name}, balanced"] = result.params

print(f"accuracy before rounding {accuracy(trained):.3f}")
for name, w in networks.items():
    print(f"{name:18} 8 bits: error {error(w, 8):.4f}, accuracy {accuracy(rounded(w, 8)):.3f}")
assert np.isclose(accuracy(spoiled), accuracy(trained), atol=2e-3)
assert error(networks["spoiled, balanced"], 8) < 0.1 * error(spoiled, 8)

# %%
# Error and accuracy against the number of bits
# ---------------------------------------------

widths = np.arange(3, 13)
styles = {
    "trained": ("C2", "-", "o"),
    "trained, balanced": ("C3", "--", "s"),
    "spoiled": ("C1", "-", "o"),
    "spoiled, balanced": ("C0", ":", "D"),
}
figure, (left, right) = plt.subplots(1, 2)
for name, (color, line, marker) in styles.items():
    w = networks[name]
    errors = [error(w, bits) for bits in widths]
    left.semilogy(widths, errors, color=color, ls=line, marker=marker, label=name)
    hits = [accuracy(rounded(w, bits)) for bits in widths]
    right.plot(widths, hits, color=color, ls=line, marker=marker)
exact = right.axhline(accuracy(trained), color="0.35", lw=0.9, ls=":", label="before rounding")
left.set(xlabel="bits", ylabel="relative error of the outputs", title="Error of the outputs")
right.set(xlabel="bits", ylabel="test accuracy", title="Accuracy", ylim=(0, 1.03))
left.legend(loc="lower left")
right.legend(handles=[exact], loc="center left", bbox_to_anchor=(0, 0.85))

# %%
# The teleport undoes the spoiling to the last digits: both balanced networks are the same one. On
# the network as it was trained it gains little: somewhat less error at most numbers of bits, more
# at some, nothing in accuracy; training had not unbalanced it. Where every row has its own scale,
# rows need no equalising either.
plt.show()
