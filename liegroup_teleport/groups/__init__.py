"""Symmetry groups: what moves the parameters and leaves the loss as it is."""

from ._activation import ActivationGL
from ._base import InvarianceReport, SymmetryGroup
from ._chart import ChartRotation
from ._diagonal import DiagonalGroup
from ._general_linear import GeneralLinear
from ._hidden import HiddenIndex
from ._inputs import InputTransformation
from ._matrix_group import MatrixGroup
from ._orthogonal import Orthogonal
from ._product import DirectProduct
from ._quadratic import QuadraticOrthogonal
from ._representation import MatrixRepresentation
from ._rescaling import PositiveRescaling
from ._translation import Translation

__all__ = [
    "ActivationGL",
    "ChartRotation",
    "DiagonalGroup",
    "DirectProduct",
    "GeneralLinear",
    "HiddenIndex",
    "InputTransformation",
    "InvarianceReport",
    "MatrixGroup",
    "MatrixRepresentation",
    "Orthogonal",
    "PositiveRescaling",
    "QuadraticOrthogonal",
    "SymmetryGroup",
    "Translation",
]
