"""What one step gains, as predicted and as it turns out, and where steps stop being stable."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(60, 5)), rng.normal(size=(60, 3))
net = lt.losses.MLP([5, 12, 3], activation="leaky_relu", inputs=X, targets=Y)
group, w, rate = net.symmetry(), net.init(rng), 1.2e-3
jump = lt.teleport(net, group, w, lt.PredictedDecrease(rate), radius=4.0, stability=None)
x = group.log(jump.element)
times = np.linspace(-0.4, 1.3, 69)
sizes = {name: a.shape for name, a in w.items()}
total = sum(a.size for a in w.values())


def along(t):
    """Return predicted, line-search and actual decrease at exp(tx).w, and rate times lambda_max."""
    p = group.act(group.exp(t * x), w)
    v = net.gradient(p)
    Bv = net.gauss_newton_product(p, v)
    vv = sum(float(np.sum(v[k] ** 2)) for k in v)
    vBv = sum(float(np.sum(v[k] * Bv[k])) for k in v)
    after = net.value({k: p[k] - rate * v[k] for k in p})
    basis = np.eye(total)
    H = np.array([flat(net.hvp(p, pack(e))) for e in basis])
    top = float(np.linalg.eigvalsh((H + H.T) / 2)[-1])
    return rate * vv - rate**2 * vBv / 2, vv**2 / vBv / 2, net.value(p) - after, rate * top


def flat(v):
    """Return a dict of arrays as one vector."""
    return np.concatenate([v[k].ravel() for k in sizes])


def pack(e):
    """Return a vector as a dict of arrays."""
    parts = np.split(e, np.cumsum([int(np.prod(s)) for s in sizes.values()])[:-1])
    return {k: part.reshape(s) for (k, s), part in zip(sizes.items(), parts, strict=True)}


predicted, searched, actual, bound = np.array([along(t) for t in times]).T
stable = float(np.interp(1.0, bound[times > 0], times[times > 0]))
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8), width_ratios=[1.2, 1])
for axes in (left, right):
    axes.axvspan(times[0], stable, color="#009E73", alpha=0.1, linewidth=0)
left.plot(times, predicted, color="C0", label=r"predicted, $D$")
left.plot(times, actual, "--", color="C1", label="actual")
left.plot(times, searched, ":", color="0.4", label=r"best step, $E$")
left.axhline(0, color="0.7", linewidth=0.8)
left.set(ylim=(-12, 16), xlabel="$t$", title="Decrease of the next step")
left.legend(loc="lower left")
right.plot(times, bound, color="black")
right.axhline(2, color="C1", linestyle="--", linewidth=1)
right.axhline(1, color="C2", linestyle="--", linewidth=1)
right.text(times[0] + 0.05, 2.08, "2: gradient descent diverges", color="C1", fontsize=10)
right.text(times[0] + 0.05, 1.08, "1: default bound", color="C2", fontsize=10)
right.set(xlabel="$t$", title=r"$\eta\,\lambda_{\max}(H(e^{tX}\cdot w))$", ylim=(0, 4))
