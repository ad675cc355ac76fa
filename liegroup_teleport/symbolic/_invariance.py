"""Proofs that a group leaves a loss, or a network's outputs, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._arrays import inner
from .._checks import check_flag
from ..groups import DirectProduct, SymmetryGroup
from ._certificate import Certificate, certify
from ._doors import check_statement
from ._identity import Identity
from ._running import value_of
from ._settings import Setting, setting

__all__ = ["prove_invariance"]

METHOD = (
    "the code that was passed on symbols, brought to polynomial normal form; re-checked by the "
    "same code at generic and special points in exact rational arithmetic (fifty digits where it "
    "is not rational) and in float64"
)


def _outputs(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    moved = group.act(v["g"], v["w"])
    inputs = group.act_on_inputs(v["g"], v["X"])
    return loss.forward(moved, inputs), loss.forward(v["w"], v["X"])


def _values(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    there = group.act_on_loss(v["g"], loss)
    return value_of(there, group.act(v["g"], v["w"])), value_of(loss, v["w"])


def _values_and_outputs(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    """Return both, for a variant of a network whose methods need not fit each other."""
    moved = group.act(v["g"], v["w"])
    inputs = np.asarray(loss.inputs)
    after, before = _values(group, loss, v, how)
    outputs = loss.forward(moved, group.act_on_inputs(v["g"], inputs))
    return [after, outputs], [before, loss.forward(v["w"], inputs)]


def _derivative(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    def along(t: Any) -> Any:
        return value_of(loss, _ahead(group, v, t))

    # level to first order, and without a jump where the code decides about single points
    return [how.derivative(along), how.jump(along)], [0, 0]


def _along_gradient(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    return inner(loss.gradient(v["w"]), group.generator(v["x"], v["w"])), 0


def _derivatives(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    def along(t: Any) -> Any:
        there = _ahead(group, v, t)
        return [value_of(loss, there), loss.forward(there, np.asarray(loss.inputs))]

    value, outputs = how.derivative(along)
    return [value, outputs], [0, 0 * outputs]


def _ahead(group: Any, v: Mapping[str, Any], t: Any) -> dict[str, Any]:
    w, velocity = v["w"], group.generator(v["x"], v["w"])
    return {name: w[name] + t * velocity[name] for name in w}


def prove_invariance(
    group: SymmetryGroup,
    loss: Any,
    *,
    infinitesimal: bool = False,
    element: Any = None,
    samples: int = 1,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove ``L(g.w) = L(w)``, or find numbers for which it is false.

    The group's own ``act`` and the loss's own code run on arrays of symbols. For a network of the
    library the statement is about its outputs, which implies it for every loss of them: the
    architecture of ``loss`` is kept, its data become symbols. A quadratic with its own symmetry
    keeps its size only. Subclasses, losses with a method replaced, and all other pairs of a group
    and a loss are run as they are, with their own data.

    Parameters
    ----------
    group : SymmetryGroup
        The supposed symmetry.
    loss : Loss
        An ``MLP``, ``Quadratic``, ``Booth``, ``Rosenbrock`` or any loss whose ``value`` computes
        on object arrays, by arithmetic and elementary functions. What decides about entries
        (comparisons, ``np.where``, counting) is refused.
    infinitesimal : bool
        Prove :math:`\langle\nabla L(w), \xi_x(w)\rangle = 0` for all algebra vectors x instead,
        from the group's ``generator`` and the derivative of the loss's ``value``; its
        ``gradient``, if it has one, must belong to that.
    element : group element, optional
        With SymPy expressions for entries; the most general one unless given. It has to belong to
        the group and to be as general: scales are positive where their symbols are declared so,
        a matrix comes with its inverse, rotations are orthogonal of determinant one. An element
        that is none of the group refutes the statement.
    samples : int
        Number of samples of a network; one is enough, as outputs belong to samples.
    shapes : dict of str to tuple, optional
        Of the parameters, where group and loss do not fix them.
    time_limit : float
        Seconds, > 0; see :func:`certify` for what happens when they are over.

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError
        If the elements of the group are not known in symbols and none is given; if the loss cannot
        run on symbols, decides about them, or means something else on them than on numbers.
    ValueError
        If an element is given for an infinitesimal statement, or stands for a part of the group
        only; if shapes are open, the group belongs to another network, or ``samples`` or
        ``time_limit`` is not positive.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    [Sch80] Schwartz, *Fast probabilistic algorithms for verification of polynomial identities*,
    Journal of the ACM 27(4), 1980 (the re-check at random points).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> relu = lt.losses.MLP([1, 2, 1], activation="relu", inputs=[[1.0]], targets=[[0.0]])
    >>> certificate = lt.symbolic.prove_invariance(relu.symmetry(), relu)
    >>> certificate.proved, certificate.verify()
    (True, True)

    The same for tanh is false, and the certificate says at which numbers:

    >>> tanh = lt.losses.MLP([1, 2, 1], activation="tanh", inputs=[[1.0]], targets=[[0.0]])
    >>> certificate = lt.symbolic.prove_invariance(relu.symmetry(), tanh)
    >>> certificate.proved, sorted(certificate.witness)[:3]
    (False, ['X', 'g', 'left'])
    """
    check_flag("infinitesimal", infinitesimal)
    check_statement(group, loss, samples=samples, shapes=shapes, time_limit=time_limit)
    if infinitesimal and element is not None:
        raise ValueError("an infinitesimal statement has no element; give one or the other")
    if infinitesimal and group.moves_inputs:
        raise TypeError(
            f"{type(group).__name__} moves the data too, and losses have no derivative in them; "
            "prove the finite statement"
        )
    made = setting(
        group, loss, element=element, finite=not infinitesimal, samples=samples, shapes=shapes
    )
    who = type(group).__name__
    if infinitesimal:
        # networks have the gradient checked at numbers: derivatives of their values are long
        sides = _along_gradient if made.network else _derivative
        sides = _derivatives if made.own_outputs else sides
        formula = r"\langle\nabla L(w),\,\xi_x(w)\rangle = 0"
        statement = f"the loss does not change along the generators of {who}: {made.subject}"
    elif made.network and group.scope == "function":
        sides, formula = _outputs, r"f_{g\cdot w}(X) = f_w(X)"
        if group.moves_inputs:
            formula = r"f_{g\cdot w}(g\cdot X) = f_w(X)"
        statement = f"{who} leaves the outputs unchanged: {made.subject}"
    else:
        sides = _values_and_outputs if made.own_outputs else _values
        formula = r"L(g\cdot w) = L(w)"
        statement = f"{who} leaves the loss unchanged: {made.subject}"
    identity = Identity(
        made,
        sides,
        compares_losses=not infinitesimal,
        gradient=infinitesimal and callable(getattr(loss, "gradient", None)),
    )
    return certify(
        name=f"{'infinitesimal ' * infinitesimal}invariance, {names(group, loss)}"
        + f", {samples} samples" * (samples > 1),
        statement=statement,
        method=METHOD,
        scope=group.scope,
        assumptions=assumptions(made, group),
        latex=formula,
        residual=identity.residual,
        counterexample=identity.counterexample,
        time_limit=time_limit,
    )


def names(group: SymmetryGroup, loss: Any) -> str:
    """Return a group with its dimension, and its loss."""
    return f"{type(group).__name__}({group.dim})" + f" on {loss_name(loss)}" * (loss is not None)


def loss_name(loss: Any) -> str:
    """Return a short name of a loss."""
    widths = getattr(loss, "widths", None)
    if widths is None:
        return f"{type(loss).__name__}{f' n = {loss.n}' if hasattr(loss, 'n') else ''}"
    biases = " with biases" * bool(loss.bias)
    return f"{loss.activation.name} {'-'.join(map(str, widths))}{biases}"


def assumptions(made: Setting, group: SymmetryGroup) -> tuple[str, ...]:
    """Return what a statement takes for granted."""
    found = list(made.assumptions)
    parts = group.groups if isinstance(group, DirectProduct) else (group,)
    if made.pending and not all(part.diagonal or part.translational for part in parts):
        found.append(
            "matrices are invertible and rotations have no eigenvalue -1: a dense set, where both "
            "sides are continuous"
        )
    return tuple(found)
