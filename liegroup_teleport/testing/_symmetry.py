"""A group as a symmetry of a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given, reject

from .._arrays import Parameters, inner, norm
from .._checks import check_dtype, check_instance, check_integer, check_number
from .._errors import DomainError
from .._guarded import check_loss
from ..groups import SymmetryGroup
from ..groups._base import allowed_change
from ..groups._rounding import loss_rounding
from ..losses._slopes import wrong_slope
from ._compare import assert_close, check, check_unchanged, copied, search, tolerance
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
    one at ``w``, to relative 1e-10 in float64 and 1e-3 in float32. The gradient must belong to the
    value: along a random direction of each parameter it is held against differences of the value
    in float64, to relative 1e-6 in float64 and 1e-3 in float32. Nothing given may be changed, and
    names, shapes and dtype must stay. A group that moves the data with the parameters is held to
    ``L(g.(w, X)) = L(w, X)``: the loss needs ``inputs`` and ``with_inputs(X)`` then.

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
    check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
    check_loss(loss)
    parameters(loss)  # an error that explains itself if the loss has no shapes
    shapes = loss.shapes
    check_integer("max_examples", max_examples, least=1)
    dtype = check_dtype("dtype", dtype)
    parameter_scale = check_number("parameter_scale", parameter_scale, least=0.0)
    tol = tolerance(dtype)

    @search(max_examples)
    @given(seed=SEEDS, length=lengths(scale))
    def symmetry(seed: int, length: float) -> None:
        rng = np.random.default_rng(seed)
        w, u = (random_parameters(shapes, rng, dtype, parameter_scale) for _ in range(2))
        g = group.random_element(rng, length)
        kept = copied(w)
        before, gradient = _asked(loss, w)
        given_gradient = copied(gradient)
        wrong = wrong_slope(lambda v: _number(loss.value(v)), gradient, w, rng)
        check(wrong is None, str(wrong))
        try:
            moved = group.act(g, w)
            predicted = group.act_cotangent(g, w, gradient)
            pushed = group.act_tangent(g, w, u)
        except DomainError:
            reject()
        for name, array in moved.items():
            check(array.dtype == w[name].dtype, f"act makes {name!r} {array.dtype}")
        after, actual = _asked(group.act_on_loss(g, loss), moved)
        allowed = allowed_change(moved, before, norm(actual))
        if not abs(after - before) <= allowed:
            allowed += loss_rounding(loss, w) + loss_rounding(group.act_on_loss(g, loss), moved)
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
        check_unchanged(w, kept)
        check_unchanged(gradient, given_gradient, "gradient")

    symmetry()


def _asked(loss: Any, w: Parameters) -> tuple[float, dict[str, Any]]:
    """Return value and gradient after checking their kind, and that asking changed nothing."""
    kept = copied(w)
    value = _number(loss.value(w))
    check_unchanged(w, kept, "value(w) wrote into its argument: parameter")
    gradient = loss.gradient(w)
    check_unchanged(w, kept, "gradient(w) wrote into its argument: parameter")
    _check_layout(gradient, w, "gradient(w)")
    if hasattr(loss, "value_and_gradient"):
        both = loss.value_and_gradient(w)
        check_unchanged(w, kept, "value_and_gradient(w) wrote into its argument: parameter")
        _check_layout(both[1], w, "value_and_gradient(w)")
        tol = tolerance(next(iter(w.values())).dtype)
        again = _number(both[0])
        check(
            abs(again - value) <= tol * abs(value),
            f"value_and_gradient(w) says {again:.17g}, value(w) {value:.17g}",
        )
        assert_close(both[1], gradient, tol, "value_and_gradient(w) against gradient(w)")
    return value, gradient


def _number(value: Any) -> float:
    """Return what a loss gave as its value as a float, if it is one number."""
    kind = f"a {type(value).__name__}"
    single = tuple(getattr(value, "shape", ())) in ((), (1,))
    check(
        single and not isinstance(value, str) and hasattr(value, "__float__"),
        f"value(w) returned {kind}{'' if single else f' of shape {value.shape}'}; "
        "expected one number",
    )
    return float(value.reshape(()) if hasattr(value, "reshape") else value)


def _check_layout(gradient: Any, w: Parameters, what: str) -> None:
    """Check that a gradient has the names, shapes and dtype of the parameters."""
    check(
        isinstance(gradient, Mapping),
        f"{what} returned a {type(gradient).__name__}; expected a dict of arrays",
    )
    for name, array in w.items():
        check(name in gradient, f"{what} has no entry for parameter {name!r}")
        got, dtype = getattr(gradient[name], "shape", None), getattr(gradient[name], "dtype", None)
        check(
            got == array.shape and dtype == array.dtype,
            f"{what}: {name!r} is {dtype}{got}; expected {array.dtype}{array.shape}",
        )
    unknown = [name for name in gradient if name not in w]
    check(not unknown, f"{what} has entries {unknown} that are no parameters")
