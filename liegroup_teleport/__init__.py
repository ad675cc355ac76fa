"""Lie-group geometry of loss landscapes: exact symmetry teleportation."""

from importlib import import_module
from types import ModuleType

from . import groups as groups
from . import losses as losses
from . import orbit as orbit
from . import training as training
from ._errors import DomainError as DomainError
from ._errors import InvarianceError as InvarianceError
from ._errors import UnboundedOrbitError as UnboundedOrbitError
from .discovery import Discovery as Discovery
from .discovery import discover_generators as discover_generators
from .groups import SymmetryGroup as SymmetryGroup
from .orbit import GradientNorm as GradientNorm
from .orbit import LineSearchDecrease as LineSearchDecrease
from .orbit import OrbitCurvature as OrbitCurvature
from .orbit import ParameterNorm as ParameterNorm
from .orbit import PerturbedLoss as PerturbedLoss
from .orbit import PredictedDecrease as PredictedDecrease
from .orbit import Sharpness as Sharpness
from .teleporting import Teleport as Teleport
from .teleporting import teleport as teleport

__all__ = [
    "Discovery",
    "DomainError",
    "GradientNorm",
    "InvarianceError",
    "LineSearchDecrease",
    "OrbitCurvature",
    "ParameterNorm",
    "PerturbedLoss",
    "PredictedDecrease",
    "Sharpness",
    "SymmetryGroup",
    "Teleport",
    "UnboundedOrbitError",
    "discover_generators",
    "groups",
    "losses",
    "orbit",
    "teleport",
    "training",
]
__version__ = "0.1.0rc1"

_ON_ACCESS = (
    "plotting",
    "symbolic",
    "testing",
)  # modules behind which heavy libraries stay until they are used


def __getattr__(name: str) -> ModuleType:
    if name in _ON_ACCESS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ON_ACCESS])
