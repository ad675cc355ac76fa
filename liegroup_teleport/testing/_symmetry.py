"""A group as a symmetry of a loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, reject

from .._arrays import inner, norm
from .._errors import DomainError
from ..groups import SymmetryGroup
from ..groups._base import allowed_change
from ._compare import assert_close, check, copied, search, tolerance
from .strategies import SEEDS, lengths, parameters, random_parameters

__all__ = ["assert_symmetry"]


def assert_symmetry(
    group: SymmetryGroup,
    loss: Any,
    *,
    max_examples: int = 25,
    dtype: Any = np.float64,
    scale: float = 1.0,
    parameter_scale: float = 1.0,
) -> None:
    """Check that a group leaves a loss unchanged and moves its gradient as it says.

    The value may change by what rounding allows (``rtol |L| + 64 eps ||grad|| ||w||``, see
    :class:`~liegroup_teleport.Teleport`); the gradient at ``g.w`` must be ``act_cotangent`` of the
    one at ``w``, to relative 1e-10 in float64 and 1e-3 in float32. Nothing given may be changed,
    and the dtype must stay. A group that moves the data with the parameters is held to ``L(g.(w,
    X)) = L(w, X)``: the loss needs ``inputs`` and ``with_inputs(X)`` then.

    Parameters
    ----------
    group : SymmetryGroup
        The symmetry to test, of any scope.
    loss : Loss
        With ``shapes``.
    max_examples : int
        Number of random cases.
    dtype : dtype
        Of the parameters.
    scale : float
        Largest length of the random algebra vectors.
    parameter_scale : float
        Standard deviation of the random parameters.

    Raises
    ------
    AssertionError
        Saying what differs by how much, with hypothesis' smallest example.

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Rosenbrock()
    >>> lt.testing.assert_symmetry(loss.symmetry(), loss)
    """
    parameters(loss)  # an error that explains itself if the loss has no shapes
    shapes = loss.shapes
    tol = tolerance(dtype)

    @search(max_examples)
    @given(seed=SEEDS, length=lengths(scale))
    def symmetry(seed: int, length: float) -> None:
        rng = np.random.default_rng(seed)
        w, u = (random_parameters(shapes, rng, dtype, parameter_scale) for _ in range(2))
        g = group.random_element(rng, length)
        kept = copied(w)
        gradient = loss.gradient(w)
        given_gradient = copied(gradient)
        try:
            moved = group.act(g, w)
            predicted = group.act_cotangent(g, w, gradient)
            pushed = group.act_tangent(g, w, u)
        except DomainError:
            reject()
        for name, array in moved.items():
            check(array.dtype == w[name].dtype, f"act makes {name!r} {array.dtype}")
        there = group.act_on_loss(g, loss)
        before, after = float(loss.value(w)), float(there.value(moved))
        actual = there.gradient(moved)
        allowed = allowed_change(moved, before, norm(actual))
        check(
            abs(after - before) <= allowed,
            f"the loss changes from {before:.17g} to {after:.17g}, by {abs(after - before):.3g}; "
            f"rounding allows {allowed:.3g}",
        )
        assert_close(actual, predicted, tol, "grad L(g.w) = act_cotangent(g, w, grad L(w))")
        error = abs(inner(actual, pushed) - inner(gradient, u))
        size = max(norm(actual) * norm(pushed), norm(gradient) * norm(u))
        check(
            error <= tol * size,
            f"<grad L(g.w), act_tangent u> = <grad L(w), u> fails by {error:.3g} of {size:.3g}",
        )
        for name, array in kept.items():
            check(np.array_equal(w[name], array), f"parameter {name!r} was changed")
            check(
                np.array_equal(gradient[name], given_gradient[name]),
                f"gradient {name!r} was changed",
            )

    symmetry()
