"""Symmetry groups: what moves the parameters and leaves the loss as it is."""

from ._activation import ActivationGL
from ._base import InvarianceReport, SymmetryGroup
from ._chart import ChartRotation
from ._general_linear import GeneralLinear
from ._hidden import HiddenIndex
from ._product import DirectProduct
from ._quadratic import QuadraticOrthogonal
from ._rescaling import PositiveRescaling

__all__ = [
    "ActivationGL",
    "ChartRotation",
    "DirectProduct",
    "GeneralLinear",
    "HiddenIndex",
    "InvarianceReport",
    "PositiveRescaling",
    "QuadraticOrthogonal",
    "SymmetryGroup",
]
