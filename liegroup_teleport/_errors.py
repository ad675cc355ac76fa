"""The exceptions that are the library's own; everything else is ``ValueError`` or ``TypeError``."""

from __future__ import annotations

__all__ = ["DomainError", "InvarianceError", "UnboundedOrbitError"]


class DomainError(ValueError):
    """A value lies outside the domain of a map.

    Raised for an element without a logarithm, a determinant that is not
    positive, a rank-deficient batch, an exponential that overflows, and for
    input or results that are not finite.
    """


class InvarianceError(ValueError):
    """A teleport changed the loss by more than rounding allows.

    Nothing is returned and the parameters given are untouched. Either the
    group is not a symmetry of the loss, or its scope (the data it holds for)
    is not that of the loss.
    """


class UnboundedOrbitError(ValueError):
    """The objective has no maximum on the orbit: it is not constant on a non-compact orbit.

    Give a ``radius`` (geodesic distance from the identity) or a ``stability``
    bound, or use an objective that is bounded by itself.
    """
