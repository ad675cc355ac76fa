"""``teleport``: one gradient, a search on the orbit, a checked move."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ._arrays import (
    Parameters,
    check_finite,
    check_names,
    check_same_layout,
    check_shape,
    namespace,
    norm,
)
from ._checks import check_instance
from ._errors import DomainError, InvarianceError
from ._guarded import check_loss, owned
from ._options import Options
from .groups import SymmetryGroup
from .groups._base import allowed_change
from .groups._rounding import loss_rounding
from .losses import Loss
from .losses._base import detached
from .losses._counted import Counted
from .orbit import (
    GradientNorm,
    LineSearchDecrease,
    Objective,
    OrbitPoint,
    ParameterNorm,
    Problem,
    Stability,
    landscape,
    solve,
)
from .orbit._conditioning import Limits, stretch, undo_error

__all__ = ["Teleport", "teleport"]

LEAST_NORM = 1e-153  # below it the square of a norm is no normal number of float64
WELL_CONDITIONED = 64.0  # stretch up to which rounding is no excuse for a change of the loss
SHORTENING = 16.0  # of the stretch allowed, where the loss was not kept


@dataclass(frozen=True, eq=False)
class Teleport:
    """The result of :func:`teleport`.

    Results are equal if they are the same object: those of two runs are compared field by field.

    Attributes
    ----------
    params : dict of str to array
        The parameters at the new point of the orbit.
    element : object
        The group element that was applied.
    status : str
        ``"optimal"`` (proved global), ``"unattained"`` (the infimum is a limit),
        ``"boundary"`` (on the radius or stability bound), ``"converged"``
        (local), ``"iteration_limit"``, or ``"identity"`` (nothing better exists
        or was found; the parameters come back unchanged).
    message : str
        How the search ended, in words.
    loss_before, loss_after : float
        The loss at the given and at the new parameters.
    drift : float
        ``|loss_after - loss_before| / |loss_before|``; at a loss of zero not divided.
    allowed_drift : float
        What rounding may cause, in the same units: that of the parameters, and, where that does
        not cover the drift, that of the loss's own forward pass at both points.
    objective_before, objective_after : float
        The objective at the given and at the new parameters, in its own units.
    optimality : float
        The certificate: Kempf-Ness residual ``||mu||/||v||^2`` of a convex
        minimum, eigenvector residual on a quadratic, norm of the projected
        gradient otherwise. Zero at an optimum.
    bound : float or None
        Proved bound on the objective over the orbit, or the value of an
        infimum that is not attained.
    evaluations : dict of str to int
        Counts of ``"loss"``, ``"gradient"``, ``"hvp"``, ``"gauss_newton"``.
    undo_error : float
        How far ``act(inverse(element), params)`` may be from the given parameters, relative to
        their norm: rounding, which grows with ``||g|| ||g^-1||``. NaN where the way back is not
        the inverse (data-dependent actions), or was not tried.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Booth()
    >>> w = {"w": np.array([5.0, -5.0])}
    >>> result = lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
    >>> result.status, result.drift <= result.allowed_drift
    ('optimal', True)
    >>> round(result.objective_after / result.objective_before, 6)
    1.8
    >>> result.evaluations["gradient"]
    1
    """

    params: dict[str, Any] = field(repr=False)
    element: Any = field(repr=False)
    status: str
    message: str
    loss_before: float
    loss_after: float
    drift: float
    allowed_drift: float
    objective_before: float
    objective_after: float
    optimality: float
    bound: float | None
    evaluations: dict[str, int]
    undo_error: float


@np.errstate(all="ignore")  # what is not finite is judged here, whatever the caller has set
def teleport(
    loss: Loss,
    group: SymmetryGroup,
    w: Parameters,
    objective: Objective | None = None,
    *,
    sense: Literal["max", "min"] | None = None,
    radius: float | None = None,
    box: float | None = None,
    stability: tuple[float, float] | Literal["auto"] | None = "auto",
    rng: np.random.Generator | None = None,
    tol: float = 1e-8,
    max_iterations: int = 200,
) -> Teleport:
    """Move parameters along their orbit to a better point of the same loss.

    Parameters
    ----------
    loss : Loss
        The loss; one gradient serves the whole search of a linear action.
    group : SymmetryGroup
        A symmetry of the loss.
    w : dict of str to array
        The parameters; never changed.
    objective : Objective, optional
        What to improve. Default :class:`LineSearchDecrease`, within radius 1 on
        a non-compact group.
    sense : {"max", "min"}, optional
        Default: maximise gradient norm and decreases, minimise the others.
    radius : float, optional
        Largest geodesic distance of the element from the identity, > 0.
    box : float, optional
        Largest logarithm of any scale, > 0: for rescalings and their products, in place of
        a radius. Over one hidden index the largest norm in a box is found and proved.
    stability : (learning_rate, c), "auto" or None
        Keep ``learning_rate * lambda_max(Hessian) <= c``. ``"auto"`` is on for
        :class:`PredictedDecrease` with c = 1 and off otherwise.
    rng : numpy.random.Generator, optional
        For leaving critical points; a fixed one unless given.
    tol : float
        Stopping tolerance on the scaled objective's slope.
    max_iterations : int
        Most evaluations of the objective (Newton steps where it is convex).

    Returns
    -------
    Teleport

    Raises
    ------
    UnboundedOrbitError
        Maximising on a non-compact orbit without a bound.
    InvarianceError
        The loss would change by more than rounding allows; nothing is returned.
    DomainError
        Input, gradient or result is not finite, or the action is not defined there.
    ValueError, TypeError
        Wrong names, shapes, dtypes, libraries or options.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Booth()
    >>> w = {"w": np.array([5.0, -5.0])}
    >>> result = lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
    >>> result.status
    'optimal'
    >>> bool(np.isclose(loss.value(result.params), loss.value(w)))
    True
    """
    check_loss(loss)
    check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
    if objective is None:
        objective = LineSearchDecrease()
        radius = 1.0 if radius is None and box is None and not group.compact else radius
    options = Options.of(
        objective,
        group,
        sense=sense,
        radius=radius,
        box=box,
        stability=stability,
        rng=rng,
        tol=tol,
        max_iterations=max_iterations,
    )
    namespace(w)
    shapes = getattr(loss, "shapes", None)
    if shapes is not None:
        check_names(w, shapes)
        for name, shape in shapes.items():
            check_shape(name, w[name], shape)
    group.check_parameters(w)
    check_finite(w)
    w = owned({name: detached(array) for name, array in w.items()})  # cut off recorded operations

    counted = Counted(loss)
    value, gradient = counted.value_and_gradient(w)
    if not np.isfinite(value):
        raise DomainError(f"the loss at the given parameters is {value}; expected a finite number")
    check_same_layout(w, gradient, "gradient")
    check_finite(gradient, "gradient")
    too_small = _too_small(objective, w, gradient)
    if too_small is not None:
        return stay(group, w, value, gradient, 0.0, too_small, counted.counts)

    landscape_ = landscape(
        counted, group, objective, w, gradient, evaluations=options.max_iterations
    )
    bound = options.stability
    problem = Problem(
        field=landscape_,
        objective=objective,
        sense=options.sense,
        w=w,
        gradient=gradient,
        radius=options.radius,
        box=options.box,
        stability=None
        if bound is None
        else Stability(counted, group, objective, w, value, gradient, *bound),
        rng=options.rng,
        tol=options.tol,
        max_iterations=options.max_iterations,
        limits=Limits.of(w),
    )
    before = _objective_at(problem, group.identity())
    if not any(bool((a != 0).any()) for a in gradient.values()) and options.sense == "max":
        point = OrbitPoint(
            group.identity(), "identity", "the gradient is zero: a critical point stays one", 0.0
        )
        return _move(counted, problem, point, value, before)
    return _search(counted, problem, value, before)


def _too_small(objective: Objective, w: Parameters, gradient: Parameters) -> str | None:
    """Say so where the square that is to be improved underflows: no search could compare it."""
    if not isinstance(objective, (ParameterNorm, GradientNorm)):
        return None
    of_parameters = isinstance(objective, ParameterNorm)
    what, vector = ("parameters", w) if of_parameters else ("gradient", gradient)
    length = norm(vector)
    if not 0.0 < length < LEAST_NORM:
        return None
    return (
        f"the norm of the {what} is {length:.3g}, and its square underflows: there is nothing to "
        f"compare below {LEAST_NORM:.0e}"
    )


def _search(loss: Counted, problem: Problem, value: float, before: float) -> Teleport:
    """Search and move; nearer to the identity where a matrix is what rounds the loss too much.

    A symmetry moves the loss by rounding alone, which grows with ``||g|| ||g^-1||``. If elements
    near the identity change it as well, the group is to blame.
    """
    shortened = False
    while True:
        with np.errstate(all="ignore"):  # far elements overflow, and are then not accepted
            point = solve(problem)
        if shortened:
            message = f"{point.message}; farther ones would change the loss by their rounding"
            point = replace(point, message=message)
        try:
            return _move(loss, problem, point, value, before)
        except InvarianceError:
            far = stretch(problem.group, point.element)
            if not WELL_CONDITIONED < far <= 2 * problem.limits.stretch:
                raise
            limits = replace(problem.limits, stretch=far / SHORTENING)
            problem, shortened = replace(problem, limits=limits), True


def _objective_at(problem: Problem, g: Any) -> float:
    if not any(bool((a != 0).any()) for a in problem.gradient.values()) and isinstance(
        problem.objective, LineSearchDecrease
    ):
        return 0.0
    with np.errstate(all="ignore"):
        value = problem.field.value(g)
    if not np.isfinite(value):
        raise DomainError(
            f"the objective is {value} at the element found; radius={problem.radius} and "
            f"box={problem.box} let the search go where numbers overflow: give less"
        )
    return value


def _move(
    loss: Counted, problem: Problem, point: OrbitPoint, value: float, before: float
) -> Teleport:
    """Apply the element if it helps and the loss stays; otherwise stay or refuse."""
    group, w = problem.group, problem.w
    after, landing = before, point.landing
    if point.status != "identity":
        after = _objective_at(problem, point.element) if landing is None else landing.objective
    sign = problem.sign
    if point.status != "identity" and not sign * after > sign * before + 1e-14 * abs(before):
        message = {
            "optimal": "the starting point is already optimal",
            "iteration_limit": f"nothing better was found: {point.message}",
        }.get(point.status, "the starting point is already the best found")
        point = OrbitPoint(group.identity(), "identity", message, point.optimality, point.bound)
    if point.status == "identity":
        stayed = stay(group, w, value, problem.gradient, before, point.message, loss.counts)
        return replace(stayed, optimality=point.optimality, bound=point.bound)
    moved = group.act(point.element, w) if landing is None else landing.params
    check_finite(moved, "teleported parameter")
    value_after = group.act_on_loss(point.element, loss).value(moved)
    if landing is None:
        gradient_norm = norm(group.act_cotangent(point.element, w, problem.gradient))
    else:
        gradient_norm = landing.gradient_norm
    if not np.isfinite(gradient_norm):
        raise DomainError(
            f"the gradient at the element found has norm {gradient_norm}: it is not finite there. "
            "Give a radius, or a smaller one"
        )
    allowed = allowed_change(moved, value, gradient_norm)
    change = abs(value_after - value)
    if not change <= allowed:
        # what the loss rounds by itself takes a pass: it is asked only where it decides
        there = group.act_on_loss(point.element, loss)
        allowed += loss_rounding(loss, w) + loss_rounding(there, moved)
    if not change <= allowed:
        raise InvarianceError(
            f"the teleport would change the loss from {value:.17g} to {value_after:.17g}, by "
            f"{change:.3g}, more than the {allowed:.3g} that rounding allows: "
            f"{type(group).__name__} is not a symmetry of this loss here, or acts on other data "
            f"(its scope is {group.scope!r}). Nothing was changed."
        )
    return Teleport(
        moved, point.element, point.status, point.message, value, value_after,
        _relative(change, value), _relative(allowed, value), before, after,
        point.optimality, point.bound, dict(loss.counts),
        undo_error(group, point.element, w, moved),
    )  # fmt: skip


def stay(
    group: SymmetryGroup,
    w: Parameters,
    value: float,
    gradient: Parameters,
    objective: float,
    message: str,
    counts: dict[str, int],
) -> Teleport:
    """Return the result of not moving at all."""
    allowed = _relative(allowed_change(w, value, norm(gradient)), value)
    return Teleport(
        dict(w), group.identity(), "identity", message, value, value, 0.0, allowed,
        objective, objective, np.nan, None, dict(counts), 0.0,
    )  # fmt: skip


def _relative(change: float, value: float) -> float:
    return change / abs(value) if value else change
