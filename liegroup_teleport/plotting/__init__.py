"""Pictures: level sets with orbits and teleports, training curves, spectra of discoveries.

The axes are the caller's, or new ones from ``matplotlib.pyplot``; nothing is shown or saved.
"""

from ._curves import plot_losses as plot_losses
from ._level_set import plot_level_set as plot_level_set
from ._spectrum import plot_spectrum as plot_spectrum
from ._style import style as style

__all__ = ["plot_level_set", "plot_losses", "plot_spectrum", "style"]
