"""Where the gradient is an eigenvector of the Hessian, and where it is not."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize_scalar

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())


def along(loss, x, start):
    """Return a function of t: the squared gradient norm, and the angle of grad L and H grad L."""
    group = loss.symmetry()

    def at(t):
        w = group.act(group.exp(t * x), {"w": start})
        v = loss.gradient(w)["w"]
        Hv = loss.hvp(w, {"w": v})["w"]
        cosine = abs(v @ Hv) / np.linalg.norm(v) / np.linalg.norm(Hv)
        return v @ v, np.rad2deg(np.arccos(min(cosine, 1.0)))

    return at


def turning_points(at, times):
    """Return where the norm has its extremes."""
    norms = np.array([at(t)[0] for t in times])
    found = []
    for k in range(1, len(times) - 1):
        for sign in (-1, 1):
            if sign * norms[k] < min(sign * norms[k - 1], sign * norms[k + 1]):
                ends = (times[k - 1], times[k + 1])
                best = minimize_scalar(
                    lambda t, sign=sign: sign * at(t)[0],
                    bounds=ends,
                    method="bounded",
                    options={"xatol": 1e-9},
                )
                found.append(best.x)
    return np.array(found)


direction = np.array([0.5, -0.7, 0.4])
cases = (
    ("Orbit = level set (Booth)", lt.losses.Booth(), np.ones(1), np.array([5.0, -5.0])),
    (
        "Smaller orbit (a curve on an ellipsoid)",
        lt.losses.Quadratic(np.diag([1.0, 3.0, 9.0])),
        direction / np.linalg.norm(direction) * np.sqrt(2),
        np.array([1.0, 0.9, -0.6]),
    ),
)
figure, rows = plt.subplots(2, 2, figsize=(8.6, 4.2), sharex="col", height_ratios=[1.2, 1])
for column, (title, loss, x, start) in enumerate(cases):
    at = along(loss, x, start)
    turns = turning_points(at, np.linspace(-np.pi, np.pi, 61))
    times = np.sort([*np.linspace(-np.pi, np.pi, 241), *turns])
    curves = np.array([at(t) for t in times]).T
    for axes, curve, points, colour in zip(
        rows[:, column], curves, np.array([at(t) for t in turns]).T, ("C0", "C1"), strict=True
    ):
        axes.plot(times, curve, color=colour)
        for t in turns:
            axes.axvline(t, color="0.85", zorder=0)
        axes.plot(turns, points, "o", color="black", markersize=5)
    rows[0, column].set(title=title, ylim=(0, None))
    rows[1, column].set(xlabel="angle of the rotation", ylim=(-3, None))
rows[0, 0].set_ylabel(r"$\|\nabla L\|^2$")
rows[1, 0].set_ylabel("angle between\n" + r"$\nabla L$ and $H\nabla L$ (°)")
