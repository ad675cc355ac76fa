"""The papers' experiments; ``liegroup-teleport reproduce`` runs them.

Each module has ``run(context) -> Outcome`` and is imported only when it is run.
"""

from __future__ import annotations

from importlib import import_module

from .._checks import check_instance, shown
from ._outcome import Claim, Context, DatasetUnavailableError, Outcome

__all__ = ["NAMES", "STUDIES", "Claim", "Context", "DatasetUnavailableError", "Outcome", "run"]

NAMES = ("quadratic", "booth", "rosenbrock", "regression", "digits")
STUDIES = ("generalization", "optimizers")  # longer: only by name


def run(name: str, context: Context) -> Outcome:
    """Run one experiment.

    Parameters
    ----------
    name : str
        One of ``NAMES`` or ``STUDIES``.
    context : Context
        How many starts, how long, and where to show progress.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If there is no such experiment.
    DatasetUnavailableError
        If its data cannot be had.
    """
    known = (*NAMES, *STUDIES)
    check_instance("context", context, Context, "a Context")
    if not isinstance(name, str) or name not in known:
        raise ValueError(
            f"name: unknown experiment {shown(name)}; expected one of {', '.join(known)}"
        )
    outcome: Outcome = import_module(f"{__name__}.{name}").run(context)
    return outcome
