"""Discovery from numbers: the null space of sampled equations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import scipy.linalg

from .._arrays import Parameters, epsilon
from ..groups._layout import Layout
from ._basis import readable_null_space
from ._equations import Equations, Points, oracle, sampled
from ._identify import identify
from ._result import Discovery, group_of
from ._spectrum import decide_rank

__all__ = ["discover_generators"]

Ansatz = Literal["linear", "diagonal", "affine"]
LIMITS = {"linear": 60, "affine": 60, "diagonal": 5000}
FRESH = 5  # points at which the generators are checked
REPEATS = 3  # points at which the gradient is taken twice, to see its noise


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
        Relative noise of the gradients. If not given it is measured by taking some
        gradients twice, and is at least what rounding makes; where no singular
        value is that small, a cluster of small ones far below all others counts as
        zero.
    rng : numpy.random.Generator, optional
        For the points; a fixed one unless given.

    Returns
    -------
    Discovery
        With ``dim = 0`` where there is nothing to find.

    Raises
    ------
    ValueError
        Too many parameters for the ansatz, too few points, a loss that is constant at
        all points, or generators that are not closed under brackets.
    DomainError
        If a gradient is not finite.

    Warns
    -----
    RuntimeWarning
        If the gap in the singular values is too small to tell.

    References
    ----------
    [Olv93] Olver, *Applications of Lie Groups to Differential Equations*, 2nd edition, 1993,
    chapter 2
    (infinitesimal criterion of invariance).

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
    if ansatz not in LIMITS:
        raise ValueError(f"ansatz is {ansatz!r}; expected 'linear', 'affine' or 'diagonal'")
    if level not in ("loss", "function"):
        raise ValueError(f"level is {level!r}; expected 'loss' or 'function'")
    if noise is not None and not 0 <= noise < 1:
        raise ValueError(f"noise is {noise}; expected a relative level, 0 <= noise < 1")
    rng = np.random.default_rng(0) if rng is None else rng
    points = Points(sample, rng)
    first = points.draw()
    layout = Layout.of(first)
    if layout.size > LIMITS[ansatz]:
        raise ValueError(
            f"{layout.size} parameters are too many for the {ansatz} ansatz, at most "
            f"{LIMITS[ansatz]}"
            + (": it costs n^6; ansatz='diagonal' takes more" if ansatz != "diagonal" else "")
        )
    equations = Equations(oracle(gradient, level), layout, ansatz, level)
    measured = max(
        64 * epsilon(first), 1.5 * equations.repeated_noise([first, *points.some(REPEATS)])
    )
    R, rows, count, scale = sampled(equations, points, first)
    values = scipy.linalg.svdvals(R, check_finite=False)
    decision = decide_rank(
        values, rows, layout.size, max(noise or 0.0, measured), known=noise is not None
    )
    if decision.rank >= rows:
        raise ValueError(
            f"{rows} independent equations do not determine {equations.columns} unknowns: "
            "give more points"
        )
    if not decision.clear:
        warnings.warn(f"no clear gap: {decision.message}", RuntimeWarning, stacklevel=2)
    error = _null_space_error(values, decision.rank)
    weights = equations.weights(scale)
    vectors = readable_null_space(R, decision.rank, error, weights)
    generators = equations.generators(vectors)
    tol = max(1e-8, 10 * error)
    group = group_of(generators, layout.shapes, level, tol)
    algebra, closure = identify(generators, layout.size, tol)
    fresh = points.some(FRESH) if points.endless else points.all()[:FRESH]
    return Discovery(
        generators=generators,
        algebra=algebra,
        group=group,
        labels=tuple(layout.labels),
        closure=closure,
        singular_values=values / values[0],
        gap=decision.gap,
        noise=decision.noise,
        residual=equations.violation(vectors / weights, fresh, scale),
        samples=count,
        message=decision.message,
    )


def _null_space_error(values: np.ndarray, rank: int) -> float:
    """Return the error of unit vectors of the null space: what is zero over what is not."""
    if not 0 < rank < len(values):
        return 0.0
    rounding = 4 * float(np.finfo(np.float64).eps) * float(values[0])
    return max(float(values[rank]), rounding) / float(values[rank - 1])
