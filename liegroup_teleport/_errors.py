"""The exceptions that are the library's own; everything else is ``ValueError`` or ``TypeError``."""

from __future__ import annotations

__all__ = ["DomainError", "InvarianceError", "UnboundedOrbitError"]


class DomainError(ValueError):
    """A value lies outside the domain of a map.

    Raised for an element without a logarithm, a determinant that is not
    positive, a rank-deficient batch, an exponential that overflows, and for
    input or results that are not finite.

    Examples
    --------
    A matrix with two different negative eigenvalues is the exponential of no real matrix:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> hidden = lt.groups.HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])
    >>> group = lt.groups.GeneralLinear([hidden])
    >>> try:
    ...     group.log(group.element(np.diag([-1.0, -2.0])))
    ... except lt.DomainError:
    ...     print("no logarithm")
    no logarithm
    """


class InvarianceError(ValueError):
    """A teleport changed the loss by more than rounding allows.

    Nothing is returned and the parameters given are untouched. Either the
    group is not a symmetry of the loss, or its scope (the data it holds for)
    is not that of the loss.

    Examples
    --------
    The rescalings of a ReLU network are no symmetry of the same network with tanh:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> data = {"inputs": np.eye(2), "targets": np.ones((2, 1))}
    >>> relu = lt.losses.MLP([2, 3, 1], activation="relu", **data)
    >>> tanh = lt.losses.MLP([2, 3, 1], activation="tanh", **data)
    >>> w = {"W1": np.full((3, 2), 2.0), "W2": np.ones((1, 3))}
    >>> try:
    ...     lt.teleport(tanh, relu.symmetry(), w, lt.ParameterNorm())
    ... except lt.InvarianceError as error:
    ...     print(error)
    the teleport would change the loss from ...: PositiveRescaling is not a symmetry of this loss
    here, or acts on other data (its scope is 'function'). Nothing was changed.
    """


class UnboundedOrbitError(ValueError):
    """The objective has no maximum on the orbit: it is not constant on a non-compact orbit.

    Give a ``radius`` (geodesic distance from the identity) or a ``stability``
    bound, or use an objective that is bounded by itself.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP([1, 1, 1], activation="relu", inputs=[[1.0]], targets=[[0.0]])
    >>> w = {"W1": np.array([[1.0]]), "W2": np.array([[2.0]])}
    >>> try:
    ...     lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
    ... except lt.UnboundedOrbitError as error:
    ...     print(error)
    GradientNorm has no maximum: the orbit of PositiveRescaling is not compact ...
    >>> lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm(), radius=1.0).status
    'boundary'
    """
