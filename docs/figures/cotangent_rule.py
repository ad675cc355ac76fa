"""How a gradient moves along the orbit: not as a velocity does."""

import matplotlib.pyplot as plt
import numpy as np

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
one = np.ones((1, 1))
net = lt.losses.MLP([1, 1, 1], activation="relu", inputs=one, targets=one)
group = net.symmetry()
w = {"W1": np.full((1, 1), 1.0), "W2": np.full((1, 1), 0.6)}


def plane(p):
    """Return the two weights as a point of the plane."""
    return np.array([float(p["W1"][0, 0]), float(p["W2"][0, 0])])


g = group.exp(np.array([0.9]))
slope = net.gradient(w)
moved = group.act(g, w)
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.7), width_ratios=[1.2, 1])
orbit = [plane(group.act(group.exp(np.array([t])), w)) for t in np.linspace(-0.75, 1.3, 200)]
left.plot(*np.array(orbit).T, color="C0", linewidth=2)
for point, vector, colour, dashed in (
    (w, slope, "C1", False),
    (moved, group.act_cotangent(g, w, slope), "C1", False),
    (moved, group.act_tangent(g, w, slope), "0.5", True),
):
    a, b = plane(point), plane(point) - 1.4 * plane(vector)
    style = {"arrowstyle": "-|>", "color": colour, "lw": 2, "ls": "--" if dashed else "-"}
    left.annotate("", b, a, arrowprops=style)
    left.plot(*a, "o", color="black" if point is w else "C0", markersize=7)
left.text(0.8, 0.48, "$w$", fontsize=13)
left.text(1.78, 0.12, r"$g\cdot w$", fontsize=13, color="C0")
left.text(0.98, 1.2, r"$-\nabla L(w)$", color="C1", fontsize=11)
left.text(2.63, 1.3, r"$-\rho^{-T}\nabla L(w)$:" + "\nat right angles", color="C1", fontsize=11)
left.text(2.62, 0.62, r"$-\rho\,\nabla L(w)$:" + "\nwrong", color="0.4", fontsize=11)
left.set(xlim=(0.35, 3.9), ylim=(0, 1.75), aspect="equal", xlabel="weight in", ylabel="weight out")
left.set_title("One unit")

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(200, 20)), rng.normal(size=(200, 5))
net = lt.losses.MLP([20, 30, 30, 5], activation="relu", inputs=X, targets=Y)
group, w = net.symmetry(), net.init(rng)
slope, x = net.gradient(w), rng.normal(size=group.dim)


def norm(v):
    """Return the squared norm of a dict of arrays."""
    return sum(float(np.sum(a * a)) for a in v.values())


times = np.linspace(-0.6, 0.6, 121)
rule = [norm(group.act_cotangent(group.exp(t * x), w, slope)) for t in times]
right.semilogy(times, rule, color="C1", label="rule: one gradient in all")
dots = times[::10]
again = [norm(net.gradient(group.act(group.exp(t * x), w))) for t in dots]
right.semilogy(dots, again, "o", color="black", label="backpropagation at each point")
right.set(xlabel="$t$", ylabel=r"$\|\nabla L(e^{tX}\cdot w)\|^2$", title="A network of 60 units")
right.legend(loc="upper center")
