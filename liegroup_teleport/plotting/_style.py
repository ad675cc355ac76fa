"""One look for all figures: colours that mean the same everywhere, and few lines around them."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.rcsetup import cycler

from .._checks import check_instance

__all__ = ["ORBIT", "PLAIN", "TELEPORT", "style"]

# Okabe and Ito's palette, which colour-blind readers can tell apart
TELEPORT, PLAIN, ORBIT = "#0072B2", "#D55E00", "#56B4E9"
CYCLE = [TELEPORT, PLAIN, "#009E73", "#E69F00", "#CC79A7", ORBIT, "0.35"]


def style() -> dict[str, Any]:
    """Return the Matplotlib settings of the gallery's figures.

    Colours are those of Okabe and Ito, which colour-blind readers can tell apart. The first,
    ``"C0"``, is what teleports are drawn in, the second, ``"C1"``, what is without them.

    Returns
    -------
    dict
        For ``matplotlib.pyplot.style.use`` or ``matplotlib.rc_context``.

    References
    ----------
    [OI08] Okabe & Ito, *Color Universal Design: how to make figures and presentations that are
    friendly to colorblind people*, University of Tokyo, 2008.

    Examples
    --------
    >>> import matplotlib
    >>> import liegroup_teleport as lt
    >>> with matplotlib.rc_context(lt.plotting.style()):
    ...     matplotlib.rcParams["axes.spines.top"]
    False
    """
    return {
        "axes.axisbelow": True,
        "axes.grid": False,
        "axes.prop_cycle": cycler("color", CYCLE),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 11.0,
        "figure.constrained_layout.use": True,
        "figure.dpi": 100.0,
        "figure.figsize": (10.0, 4.4),
        "legend.fontsize": 9.0,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.0,
    }


def check_axes(ax: Any) -> None:
    """Raise ``TypeError`` unless ``ax`` are axes of matplotlib or ``None``."""
    if ax is not None:
        check_instance("ax", ax, Axes, "matplotlib axes or None")
