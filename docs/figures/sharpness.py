"""One function, three points of its orbit: how the loss rises around each."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(0)
x = np.linspace(-2, 2, 30)
X = np.stack([x, np.ones_like(x)], axis=1)
net = lt.losses.MLP([2, 10, 1], activation="relu", inputs=X, targets=np.sin(2 * x)[:, None])
group = net.symmetry()
trained = lt.training.minimize(net, net.init(rng), lt.training.LineSearch(), 800).params
flat = lt.teleport(net, group, trained, lt.Sharpness(probes=30)).params
direction = rng.normal(size=group.dim)
direction /= np.linalg.norm(direction)
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8), width_ratios=[1, 1])
radii = np.linspace(0, 0.7, 30)
for t, colour, name in ((0.0, "C2", "flattest"), (2.0, "C0", "$t=2$"), (3.5, "C1", "$t=3.5$")):
    p = group.act(group.exp(t * direction), flat)
    rises = []
    for _ in range(60):
        step = {k: rng.normal(size=a.shape) for k, a in p.items()}
        length = np.sqrt(sum(float(np.sum(a * a)) for a in step.values()))
        rises.append([net.value({k: p[k] + r * step[k] / length for k in p}) for r in radii])
    left.plot(radii, np.median(rises, axis=0), color=colour, label=name)
    left.fill_between(
        radii, *np.quantile(rises, [0.25, 0.75], axis=0), color=colour, alpha=0.15, linewidth=0
    )
    right.plot(
        x, net.forward(p, X)[:, 0], color=colour, linewidth={"C2": 7, "C0": 4, "C1": 1.5}[colour]
    )
right.plot(x, np.sin(2 * x), "o", color="black", markersize=3)
left.set(
    xlabel="length of a random step away", ylabel="loss", title="Around three points of one orbit"
)
left.legend(title="point")
right.set(xlabel="input", ylabel="output", title="The function at all three")
