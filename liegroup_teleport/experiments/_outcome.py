"""What an experiment is given and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .._checks import check_choice, check_flag, check_integer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Claim", "Context", "DatasetUnavailableError", "Outcome", "Verdict", "judge"]

Verdict = Literal["confirmed", "not confirmed", "as measured"]


class DatasetUnavailableError(RuntimeError):
    """The data of an experiment cannot be had, for instance without a network."""


@dataclass(frozen=True)
class Claim:
    """A claim, what was measured, and whether that confirms it."""

    claim: str
    measured: str
    verdict: Verdict


@dataclass(frozen=True)
class Outcome:
    """What an experiment returns.

    Parameters
    ----------
    title : str
    results : dict of dict of lists
        Per variant, named lists over the starts.
    claims : list of Claim
    figures : dict of str to matplotlib Figure
    notes : list of str
        What a reader needs to know beside the table, such as grids of step sizes.
    """

    title: str
    results: Mapping[str, Mapping[str, list[Any]]]
    claims: list[Claim]
    figures: Mapping[str, Figure]
    notes: list[str] = field(default_factory=list)


def _silent(description: str, total: int) -> Callable[[], None]:
    return lambda: None


@dataclass(frozen=True)
class Context:
    """How an experiment is to be run.

    Parameters
    ----------
    seeds : int, optional
        Number of starts. Default: 5, or 1 with ``quick``.
    quick : bool
        Fewer starts and, where it takes long, shorter runs.
    dataset : {"digits", "mnist"}
        For the experiment ``digits``.
    workers : int
        Processes for independent runs; -1 for all of joblib's active backend (a cluster).
    runs : pathlib.Path, optional
        Where the studies keep finished runs. Default: nowhere.
    progress : callable
        ``progress(description, total)`` shows a bar and returns the function
        that advances it by one run.
    say : callable
        Shows a line of text.
    """

    seeds: int | None = None
    quick: bool = False
    dataset: Literal["digits", "mnist"] = "digits"
    workers: int = 1
    runs: Path | None = None
    progress: Callable[[str, int], Callable[[], None]] = _silent
    say: Callable[[str], None] = lambda line: None

    def __post_init__(self) -> None:
        if self.seeds is not None:
            check_integer("seeds", self.seeds, least=1)
        check_flag("quick", self.quick)
        check_choice("dataset", self.dataset, ("digits", "mnist"))
        if check_integer("workers", self.workers, least=-1) == 0:
            raise ValueError("workers is 0; expected an integer >= 1, or -1")

    @property
    def starts(self) -> int:
        """Number of starts."""
        if self.seeds is not None:
            return self.seeds
        return 1 if self.quick else 5


def judge(holds: bool, *, decided: bool = True) -> Verdict:
    """Return the verdict on a claim; ``decided=False`` where this run cannot decide it."""
    if not decided:
        return "as measured"
    return "confirmed" if holds else "not confirmed"
