"""The symmetry algebra of a loss of which only gradients are known."""

from ._black_box import discover_generators
from ._result import Discovery

__all__ = ["Discovery", "discover_generators"]
