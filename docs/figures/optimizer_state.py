"""AdaGrad with teleports, with resets, and with both."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt
from liegroup_teleport.training import AdaGrad, Resets, Teleports, minimize

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(0)
X, Y = rng.uniform(size=(4, 5)), rng.uniform(size=(4, 8))
net = lt.losses.MLP([5, 6, 7, 8], activation="leaky_relu", inputs=X, targets=Y)
group, w = net.symmetry(), {name: rng.uniform(size=a.shape) for name, a in net.init(rng).items()}
at, steps = [5, 10, 15], 300
variants = (
    ("plain", "0.45", "-", {}),
    ("teleport, state moves along", "C0", "-", {"teleports": Teleports(group, at=at)}),
    ("reset, no teleport", "C1", "--", {"teleports": Resets(at=at)}),
    ("reset and teleport", "C2", ":", {"teleports": Teleports(group, at=at, state="reset")}),
)
figure, axes = plt.subplots(figsize=(7.2, 4.0))
for name, colour, line, options in variants:
    run = minimize(net, w, AdaGrad(0.1), steps, **options)
    axes.semilogy(np.maximum(run.losses, 1e-16), color=colour, linestyle=line, label=name)
axes.set(xlabel="step of AdaGrad", ylabel="loss")
axes.legend()
