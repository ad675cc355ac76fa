"""A network before and after a data-dependent teleport: equal on the batch, and only there."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(1)


def features(x):
    """Return six features of each number, shape (len(x), 6)."""
    return np.stack(
        [np.ones_like(x), x, np.sin(x), np.cos(x), np.sin(2 * x), np.cos(2 * x)], axis=1
    )


batch = np.array([-2.3, -1.1, 0.1, 1.2, 2.4])
net = lt.losses.MLP(
    [6, 6, 1], activation="leaky_relu", inputs=features(batch), targets=np.sin(batch)[:, None]
)
w, x = net.init(rng), np.linspace(-3, 3, 400)
figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.6), sharey=True)
for axes, group, title, scale in (
    (panels[0], net.batch_symmetry(), "ActivationGL, scope batch", 0.8),
    (panels[1], net.symmetry(), "PositiveRescaling, scope function", 1.5),
):
    for _ in range(4):
        moved = group.act(group.random_element(rng, scale), w)
        axes.plot(x, net.forward(moved, features(x))[:, 0], color="C5", linewidth=1.4)
    axes.plot(x, net.forward(w, features(x))[:, 0], color="black", linewidth=2, linestyle="--")
    axes.plot(batch, net.forward(w, features(batch))[:, 0], "o", color="C1", markersize=9)
    axes.set(xlabel="input", title=title)
panels[0].set_ylabel("output of the network")
panels[0].plot([], [], "o", color="C1", markersize=8, label="batch")
panels[0].plot([], [], "--", color="black", label="network $w$")
panels[0].plot([], [], color="C5", label=r"four networks $g\cdot w$")
panels[0].legend(loc="best")
