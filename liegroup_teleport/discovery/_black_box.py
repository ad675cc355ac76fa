"""Discovery from numbers: the null space of sampled equations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.linalg

from .._arrays import Parameters, epsilon
from .._checks import check_choice, check_number, check_rng
from .._guarded import check_value
from ..losses._slopes import wrong_slope
from ._basis import null_space, unit_rows
from ._equations import ROUNDING, Equations, Field, oracle, sampled
from ._identify import identify
from ._points import Points
from ._result import Discovery, group_of
from ._spectrum import SMALL, Decision, decide_rank, noise_level
from ._verify import finite_drift, refuted

__all__ = ["discover_generators"]

Ansatz = Literal["linear", "diagonal", "affine"]
LIMITS = {"linear": 60, "affine": 60, "diagonal": 5000}
DROWNED = 0.1  # relative noise from which on a derivative says nothing
SUSPECT = 100.0  # zeros of a gradient with a smooth error may be as many times that
MOTIONS = 2  # points that every generator moves


@np.errstate(under="ignore")  # tiny entries are nothing beside large ones
def discover_generators(
    gradient: Callable[[Parameters], Any] | Any,
    sample: Callable[[np.random.Generator], Parameters] | Sequence[Parameters],
    *,
    ansatz: Ansatz = "linear",
    level: Literal["loss", "function"] = "loss",
    noise: float | None = None,
    rng: np.random.Generator | None = None,
) -> Discovery:
    r"""Find the linear, affine or diagonal symmetries of a loss from its gradients.

    A vector field :math:`Xw + c` leaves L unchanged where
    :math:`\langle\nabla L(w), Xw + c\rangle = 0`: at every point one linear
    equation for the unknown entries. Their null space is the algebra.

    Parameters
    ----------
    gradient : callable or Loss
        ``w -> dict`` of arrays like those of ``w``. With ``level="function"`` the
        Jacobian of the outputs instead: ``w -> dict`` of arrays with one more axis
        in front, that of the outputs (as :meth:`losses.MLP.output_jacobian`).
    sample : callable or sequence of dict
        ``rng -> w``, random points in general position where the symmetry should
        hold, such as ``MLP.init``; as many are drawn as are needed. Or the points
        themselves.
    ansatz : {"linear", "affine", "diagonal"}
        Which fields to look for. The first two have n^2 unknowns for n parameters
        and cost n^6: at most 60 parameters. The diagonal one, ``w_j' = d_j w_j``,
        has n, and takes 5,000.
    level : {"loss", "function"}
        Whether ``gradient`` is that of the loss or the Jacobian of the outputs.
        Symmetries of the function are fewer, hold for every loss, and take fewer
        points.
    noise : float, optional
        All that the gradients may be wrong by, relative to their length. If not given
        it is measured, entry by entry, from differences of high order; smooth errors are
        not seen that way, so that values above it and far below all others stay undecided.
    rng : numpy.random.Generator, optional
        For the points; a fixed one unless given.

    Returns
    -------
    Discovery
        With ``dim = 0`` where there is nothing to find, and in ``dim_range`` what cannot be
        told apart.

    Raises
    ------
    ValueError
        Too many parameters for the ansatz, too few points, points that are all the same or do
        not vary in some direction, a loss that is constant at all of them, a gradient that does
        not belong to the value (of a loss that has one) or writes into its argument, or
        generators that are not closed under brackets.
    TypeError
        If an argument, or what ``gradient`` returns, is of the wrong kind.
    DomainError
        If a point or a gradient is not finite, or units are too far apart for floating point.

    Warns
    -----
    RuntimeWarning
        If the dimension cannot be told: ``decided`` is false then.

    Notes
    -----
    The unknowns are counted in units of the noise of the derivatives and of the size of the
    parameters, hence the result does not depend on the units of either. A field has to hold at
    points beside the sampled ones and after finite motions too; a symmetry broken by less than
    the noise counts as one.

    References
    ----------
    [Olv93] Olver, *Applications of Lie Groups to Differential Equations*, 2nd edition, 1993,
    chapter 2
    (infinitesimal criterion of invariance).

    [MW11] Moré & Wild, *Estimating computational noise*, SIAM J. Sci. Comput. 33(3), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> found = lt.discover_generators(
    ...     lambda w: {"w": 2 * w["w"]}, lambda rng: {"w": rng.normal(size=3)}
    ... )
    >>> print(found)
    so(3); dimension 3
    w[0]' = w[1], w[1]' = -w[0]
    w[0]' = w[2], w[2]' = -w[0]
    w[1]' = w[2], w[2]' = -w[1]
    """
    ansatz = check_choice("ansatz", ansatz, tuple(LIMITS))
    level = check_choice("level", level, ("loss", "function"))
    if noise is not None:
        noise = check_number("noise", noise, least=0.0, below=1.0)
    rng = np.random.default_rng(0) if rng is None else check_rng(rng)
    points = Points(sample, rng)
    layout = points.layout
    if layout.size > LIMITS[ansatz]:
        raise ValueError(
            f"{layout.size} parameters are too many for the {ansatz} ansatz, at most "
            f"{LIMITS[ansatz]}"
            + (": it costs n^6; ansatz='diagonal' takes more" if ansatz != "diagonal" else "")
        )
    field = Field(oracle(gradient, level), points, level)
    value = _value(gradient, points, level, rng)
    equations, R, rows, places, count = sampled(field, ansatz, noise)
    values = scipy.linalg.svdvals(R, check_finite=False)
    allowed = noise_level(rows, equations.columns)
    small = max(SMALL, SUSPECT * equations.unsymmetric)
    decision = decide_rank(values, allowed, noise is not None, small)
    if decision.rank >= rows:
        raise ValueError(
            f"{rows} independent equations do not determine {equations.columns} unknowns: "
            "give more points"
        )
    found = _candidates(equations, R, decision.rank, allowed, values, places, rng)
    generators = equations.generators(found.vectors)
    drift = finite_drift(equations, generators, places[:MOTIONS], value)
    least, most, message = _summary(decision, found, drift, equations, values)
    if least < most:
        warnings.warn(f"no clear gap: {message}", RuntimeWarning, stacklevel=2)
    tol = max(1e-8, 10 * found.error)
    algebra, closure = identify(generators, layout.size, tol)
    return Discovery(
        generators=generators,
        algebra=algebra,
        group=group_of(generators, layout.shapes, level, tol),
        labels=tuple(layout.labels),
        closure=closure,
        singular_values=values / values[0],
        gap=decision.gap,
        noise=float(np.max(equations.noise)),
        residual=found.violation,
        samples=count,
        message=message,
        dim_range=(least, most),
        drift=float(np.max(drift, initial=0.0)),
    )


@dataclass(frozen=True)
class Candidates:
    """What is left of a null space after a look at other points."""

    vectors: np.ndarray  # weighted, in reduced row echelon form
    refuted: int
    unclear: int
    violation: float
    error: float


def _candidates(
    equations: Equations,
    R: np.ndarray,
    rank: int,
    allowed: float,
    values: np.ndarray,
    places: list[np.ndarray],
    rng: np.random.Generator,
) -> Candidates:
    """Return the null space, less what does not hold at other points or after motions."""
    weights = equations.weights
    error = allowed / float(values[rank - 1]) if 0 < rank < len(values) else 0.0
    vectors = null_space(R, rank, weights, allowed)
    lost = 0
    while True:
        if not len(vectors):
            return Candidates(vectors, lost, 0, 0.0, error)
        units = scipy.linalg.qr(unit_rows(vectors / weights).T, mode="economic")[0].T
        check = refuted(equations, units, places, error, rng)
        if len(check.keep) == len(units):
            relative = check.violation * float(np.median(equations.noise))
            return Candidates(vectors, lost, check.unclear, relative / np.sqrt(len(units)), error)
        lost += len(units) - len(check.keep)
        # all that the remaining candidates are orthogonal to, as if it were equations
        basis = check.keep @ units
        others = scipy.linalg.null_space(basis).T if len(basis) else np.eye(R.shape[1])
        big = float(values[0])
        vectors = null_space(big * others, len(others), weights, allowed)


def _summary(
    decision: Decision,
    found: Candidates,
    drift: np.ndarray,
    equations: Equations,
    values: np.ndarray,
) -> tuple[int, int, str]:
    """Return the least and largest dimension that there may be, and how that was decided."""
    d = len(found.vectors)
    noise, floor = float(np.max(equations.noise)), ROUNDING * epsilon(equations.field.points.like)
    moving = int(np.sum(drift > 1))
    least = max(0, min(decision.least, d) - found.unclear - moving)
    most = d + max(0, decision.most - (equations.columns - decision.rank))
    parts = [decision.message]
    lost = [
        label
        for label, n in zip(equations.field.points.layout.labels, equations.noise, strict=True)
        if n > DROWNED
    ]
    if lost:
        least = 0
        parts.append(f"the gradient of {', '.join(lost[:5])} cannot be told from its own noise")
    elif noise > 10 * floor:
        parts.append(f"gradients have relative noise {noise:.2g}, more than rounding makes")
    if equations.unsymmetric:
        hidden = int(np.sum(values <= SUSPECT * equations.unsymmetric * values[0]))
        most = max(most, hidden)
        parts.append(
            f"second derivatives differ by {equations.unsymmetric:.2g} (relative) from symmetric: "
            "the gradient is not that of a function, or has smooth errors"
        )
    if found.refuted:
        parts.append(
            f"{found.refuted} fields hold at the sampled points only, not at others or where "
            "motions along them lead: not counted"
        )
    if found.unclear:
        parts.append(f"{found.unclear} fields fail at other points by about the noise level")
    if moving:
        parts.append(
            f"along {moving} generators finite motion changes the loss by "
            f"{float(np.max(drift)):.2g} times what rounding allows"
        )
    return least, most, "; ".join(parts)


def _value(
    gradient: Any, points: Points, level: str, rng: np.random.Generator
) -> Callable[[np.ndarray], float] | None:
    """Return the loss of a flat point, where values are known; its gradient must belong to it."""
    if level != "loss" or not hasattr(gradient, "gradient") or not hasattr(gradient, "value"):
        return None
    wrong = wrong_slope(gradient.value, gradient.gradient(points.like), points.like, rng)
    if wrong is not None:
        raise ValueError(str(wrong))
    layout = points.layout
    return lambda y: check_value(gradient.value(layout.restore(y, points.like)))
