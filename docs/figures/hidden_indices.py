"""Two layers before and after a matrix and its inverse are put between them."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
rng = np.random.default_rng(3)
net = lt.losses.MLP(
    [6, 3, 4], activation="linear", inputs=np.ones((1, 6)), targets=np.zeros((1, 4))
)
group = net.symmetry()
w = {"W1": rng.normal(size=(3, 6)), "W2": rng.normal(size=(4, 3))}
moved = group.act(group.random_element(rng, scale=1.6), w)

figure = plt.figure(figsize=(8.4, 4.0))
grid = figure.add_gridspec(2, 5, width_ratios=[3, 0.5, 6, 1, 6])
names = (("$W_2$", "$W_1$", "$W_2W_1$"), ("$W_2g^{-1}$", "$gW_1$", "$W_2g^{-1}\\,gW_1$"))
for row, (p, titles) in enumerate(zip((w, moved), names, strict=True)):
    pictures = (p["W2"], p["W1"], p["W2"] @ p["W1"])
    for column, (matrix, title) in enumerate(zip(pictures, titles, strict=True)):
        axes = figure.add_subplot(grid[row, 2 * column])
        axes.imshow(matrix, cmap="RdBu", vmin=-3.2, vmax=3.2)
        axes.set_title(title, loc="center", fontsize=12)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if column == 0:
            axes.set_xlabel("reads", color="C2")
            axes.axhline(3.5, color="C2", linewidth=5, clip_on=False)
        if column == 1:
            axes.set_ylabel("writes", color="C2")
            axes.axvline(-0.5, color="C2", linewidth=5, clip_on=False)
    figure.text(0.615, 0.72 - 0.5 * row, "=", fontsize=20, ha="center", color="0.3")
