"""A level set in the plane, with the orbit and a teleport on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes

from .._arrays import Parameters, check_finite, host
from .._checks import check_array, check_flag, check_instance, check_number
from .._errors import DomainError
from .._guarded import Guarded, check_loss
from ..groups import SymmetryGroup
from ..groups._layout import Layout
from ..teleporting import Teleport
from ._style import ORBIT, PLAIN, TELEPORT, check_axes

if TYPE_CHECKING:
    from ..teleporting import Teleport

__all__ = ["plot_level_set"]

GREY = "0.62"
GRID = 160  # points per side for the contours
ARROWS = 15  # gradient arrows per side


def plot_level_set(
    loss: Any,
    group: SymmetryGroup,
    w: Parameters,
    result: Teleport | None = None,
    *,
    window: tuple[float, float, float, float] | None = None,
    length: float = 8.0,
    gradient_field: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the level set of a loss in two variables, the orbit on it, and a teleport.

    Thin lines are level sets, the bold one is that of ``w``; small arrows point down
    the gradient, all of one length; the orbit is drawn over the level set by the
    group's own action; two longer arrows show the gradient before and after the
    teleport, on one scale.

    Parameters
    ----------
    loss : Loss
        In two variables.
    group : SymmetryGroup
        A symmetry of it.
    w : dict of str to array
        The starting point: two numbers in all.
    result : Teleport, optional
        What :func:`liegroup_teleport.teleport` made of ``w``.
    window : (left, right, bottom, top), optional
        What to show; around the orbit unless given.
    length : float
        How far to follow each one-parameter subgroup, in the length of algebra vectors.
    gradient_field : bool
        Whether to draw the arrows down the gradient.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the parameters are not two numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, w = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    >>> jump = lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
    >>> axes = lt.plotting.plot_level_set(loss, loss.symmetry(), w, jump)
    """
    check_loss(loss)
    check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
    group.check_parameters(w)
    check_finite(w)
    if result is not None:
        check_instance("result", result, Teleport, "a Teleport or None")
    if window is not None:
        left, right, bottom, top = check_array("window", window, (4,)).tolist()
        if not (left < right and bottom < top):
            raise ValueError(f"window is {window}; expected (left, right, bottom, top), increasing")
        window = (left, right, bottom, top)
    length = check_number("length", length, above=0.0)
    check_flag("gradient_field", gradient_field)
    check_axes(ax)
    loss = Guarded.of(loss)
    start = _flat(w)
    if start.shape != (2,):
        raise ValueError(f"the parameters have {start.size} entries; a plane needs 2")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(6.4, 5.4), layout="constrained")
    curves = _orbit(group, w, length)
    end = None if result is None else _flat(result.params)
    points = np.vstack([*curves, start[None], *([] if end is None else [end[None]])])
    left, right, bottom, top = _window(points) if window is None else window

    x, y = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
    values = np.array([[_value(loss, w, a, b) for a in x] for b in y])
    low, level = float(values.min()), float(loss.value(w))
    shown = values - low + 1e-3 * (float(values.max()) - low)
    ax.contour(
        x, y, shown, levels=np.geomspace(shown.min() * 1.01, shown.max(), 14),
        colors="0.85", linewidths=0.7, zorder=0,
    )  # fmt: skip
    ax.contour(x, y, values, levels=[level], colors="0.35", linewidths=3.2, zorder=1)
    ax.plot([], [], color="0.35", linewidth=3.2, label="level set")
    if gradient_field:
        _draw_field(ax, loss, w, (left, right, bottom, top))
    for k, curve in enumerate(curves):
        label = "orbit" if k == 0 else None
        ax.plot(*curve.T, color=ORBIT, linewidth=1.6, label=label, zorder=3)
    _draw_points(ax, loss, group, w, result, max(right - left, top - bottom))
    names = Layout.of(w).labels
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel=names[0], ylabel=names[1])
    if 1 / 3 < (right - left) / (top - bottom) < 3:
        ax.set_aspect("equal")  # gradients are seen at right angles to level sets
    ax.legend(loc="best", fontsize=9, framealpha=0.92)
    return ax


def _flat(w: Parameters) -> np.ndarray:
    return Layout.of(w).flatten(w)


def _at(w: Parameters, x: float, y: float) -> dict[str, np.ndarray]:
    """Return NumPy parameters like ``w`` with the two entries given."""
    like = {name: host(array) for name, array in w.items()}
    return Layout.of(w).restore(np.array([x, y]), like)


def _value(loss: Any, w: Parameters, x: float, y: float) -> float:
    return float(loss.value(_at(w, x, y)))


def _orbit(group: SymmetryGroup, w: Parameters, length: float) -> list[np.ndarray]:
    """Follow the one-parameter subgroups of the basis from ``w``, both ways."""
    start = _at(w, *_flat(w))
    curves = []
    for i in range(group.dim):
        halves = []
        for sign in (-1.0, 1.0):
            points = []
            for t in np.linspace(0.0, length, 241):
                x = np.zeros(group.dim)
                x[i] = sign * t
                try:
                    point = _flat(group.act(group.exp(x), start))
                except DomainError:
                    break  # the action ends here
                points.append(point)
            halves.append(np.array(points))
        curves.append(np.vstack([halves[0][:0:-1], halves[1]]))
    return curves


def _window(points: np.ndarray) -> tuple[float, float, float, float]:
    """Return a frame around the points, leaving out what runs off to infinity."""
    center = np.median(points, axis=0)
    reach = 4 * np.median(np.abs(points - center), axis=0) + 1e-3
    inside = points[np.all(np.abs(points - center) <= reach, axis=1)]
    low, high = inside.min(axis=0), inside.max(axis=0)
    margin = 0.18 * np.maximum(high - low, 1e-3)
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


def _draw_field(ax: Axes, loss: Any, w: Parameters, frame: tuple[float, ...]) -> None:
    left, right, bottom, top = frame
    X, Y = np.meshgrid(
        np.linspace(left, right, ARROWS + 2)[1:-1], np.linspace(bottom, top, ARROWS + 2)[1:-1]
    )
    G = np.array([_flat(loss.gradient(_at(w, a, b))) for a, b in zip(X.flat, Y.flat, strict=True)])
    sizes = np.linalg.norm(G, axis=1)
    G = -G / np.where(sizes > 0, sizes, 1.0)[:, None]
    ax.quiver(
        X, Y, G[:, 0].reshape(X.shape), G[:, 1].reshape(X.shape), angles="xy", color=GREY,
        scale=2.1 * ARROWS, width=0.0022, headwidth=4.5, zorder=0.5,
    )  # fmt: skip
    ax.plot([], [], color=GREY, marker="$\\rightarrow$", markersize=10, linestyle="",
            label="down the gradient")  # fmt: skip


def _draw_points(
    ax: Axes, loss: Any, group: SymmetryGroup, w: Parameters, result: Teleport | None, size: float
) -> None:
    """Mark start and end, the path between them, and minus the gradient at both."""
    start = _flat(w)
    ends = [(start, PLAIN, "start")]
    if result is not None:
        path = _path(group, w, result.element)
        if path is not None:
            ax.plot(*path.T, color=TELEPORT, linewidth=3.0, label="teleport", zorder=4)
        ends.append((_flat(result.params), TELEPORT, "after it"))
    slopes = [_flat(loss.gradient(_at(w, *point))) for point, _, _ in ends]
    longest = max(float(np.linalg.norm(g)) for g in slopes) or 1.0
    for (point, colour, label), slope in zip(ends, slopes, strict=True):
        ax.quiver(
            *point, *(-0.2 * size / longest * slope), angles="xy", scale_units="xy", scale=1,
            color=colour, width=0.007, zorder=5,
        )  # fmt: skip
        ax.plot(*point, "o", color=colour, markersize=8, markeredgecolor="white", zorder=6,
                label=label)  # fmt: skip


def _path(group: SymmetryGroup, w: Parameters, element: Any) -> np.ndarray | None:
    """Return the orbit from ``w`` along the element's one-parameter subgroup, if it has one."""
    try:
        x = group.log(element)
        start = _at(w, *_flat(w))
        steps = np.linspace(0.0, 1.0, 61)
        return np.array([_flat(group.act(group.exp(t * x), start)) for t in steps])
    except DomainError:
        return None
