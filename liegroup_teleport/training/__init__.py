"""Training with teleports: optimizers, schedules and the loop that joins them."""

from __future__ import annotations

from ._adaptive import AdaGrad, Adam, RMSProp
from ._automatic import Decision
from ._descent import SGD, LineSearch
from ._history import History
from ._minimize import minimize
from ._optimizers import Optimizer, OptimizerState
from ._schedule import Resets
from ._teleports import TeleportEvent, Teleports

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "Decision",
    "History",
    "LineSearch",
    "Optimizer",
    "OptimizerState",
    "RMSProp",
    "Resets",
    "TeleportEvent",
    "Teleports",
    "minimize",
]
