"""Property tests of groups and losses, for your own test suite too (needs hypothesis).

Every function runs a hypothesis search and raises ``AssertionError`` with the
smallest counter-example it finds.
"""

from . import strategies as strategies
from ._laws import assert_group_laws
from ._symmetry import assert_symmetry

__all__ = ["assert_group_laws", "assert_symmetry", "strategies"]
