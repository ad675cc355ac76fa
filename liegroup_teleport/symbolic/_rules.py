"""Proofs of how gradients and Hessians move, and of what gradient flow conserves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._arrays import inner
from ..groups import DirectProduct, QuadraticOrthogonal, SymmetryGroup
from ._certificate import Certificate, certify
from ._doors import check_statement
from ._gradients import gradient_of, hessian_product
from ._identity import Identity, Sides
from ._invariance import METHOD, assumptions, names
from ._settings import Setting, setting
from ._symbols import symbol_array

__all__ = ["prove_conserved", "prove_cotangent_rule", "prove_hessian_rule"]


def _cotangent(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    there = group.act_on_loss(v["g"], loss)
    moved = gradient_of(there, group.act(v["g"], v["w"]))
    return _aligned(moved, group.act_cotangent(v["g"], v["w"], gradient_of(loss, v["w"])))


def _hessian(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    g, w, u = v["g"], v["w"], v["u"]
    there = group.act_on_loss(g, loss)
    moved = hessian_product(there, group.act(g, w), group.act_tangent(g, w, u), how)
    return _aligned(moved, group.act_cotangent(g, w, hessian_product(loss, w, u, how)))


def _aligned(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the arrays of both in one order of names."""
    return [a[name] for name in a], [b[name] for name in a]


def prove_cotangent_rule(
    group: SymmetryGroup,
    loss: Any,
    *,
    element: Any = None,
    samples: int = 1,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove :math:`\nabla L(g\cdot w) = \rho(g)^{-T}\,\nabla L(w)`, or refute it.

    Both sides come from shipped code: the loss's ``gradient`` at ``act(g, w)``, and
    ``act_cotangent`` of its gradient at ``w``; the gradient has to be that of
    ``value``. For a network with symbols for targets this covers every loss of the outputs.

    Parameters
    ----------
    group : SymmetryGroup
        The supposed symmetry.
    loss : Loss
        As for :func:`prove_invariance`: its own code runs on symbols.
    element : group element, optional
        With SymPy expressions for entries; the most general one unless given.
    samples : int
        Number of samples of a network, at least 1.
    shapes : dict of str to tuple, optional
        Of the parameters, where group and loss do not fix them.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError
        If the elements of the group are not known in symbols and none is given.
    ValueError
        If ``time_limit`` is not positive.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP([1, 2, 1], activation="relu", inputs=[[1.0]], targets=[[0.0]])
    >>> lt.symbolic.prove_cotangent_rule(loss.symmetry(), loss).proved
    True
    """
    check_statement(
        group, loss, gradient=True, samples=samples, shapes=shapes, time_limit=time_limit
    )
    made = setting(group, loss, element=element, samples=samples, shapes=shapes)
    return _certificate(
        "cotangent rule",
        f"the gradient moves by act_cotangent under {type(group).__name__}: {made.subject}",
        r"\nabla L(g\cdot w) = \rho(g)^{-\mathsf T}\,\nabla L(w)",
        made,
        _cotangent,
        group,
        loss,
        time_limit,
    )


def prove_hessian_rule(
    group: SymmetryGroup,
    loss: Any,
    *,
    element: Any = None,
    samples: int = 1,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove :math:`H(g\cdot w) = \rho(g)^{-T} H(w)\,\rho(g)^{-1}`, or refute it.

    From the shipped ``hvp``, ``act``, ``act_tangent`` and ``act_cotangent``, applied to an
    arbitrary vector. It holds for actions that are linear or affine; the curvature of others
    adds a term.

    Parameters
    ----------
    group : SymmetryGroup
        The supposed symmetry.
    loss : Loss
        As for :func:`prove_invariance`: its own code runs on symbols.
    element : group element, optional
        With SymPy expressions for entries; the most general one unless given.
    samples : int
        Number of samples of a network, at least 1.
    shapes : dict of str to tuple, optional
        Of the parameters, where group and loss do not fix them.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError
        If the action is not affine, or the elements of the group are not known in symbols.
    ValueError
        If ``time_limit`` is not positive.

    References
    ----------
    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024
    (teleportation and Newton's method).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP([1, 2, 1], activation="relu", inputs=[[1.0]], targets=[[0.0]])
    >>> lt.symbolic.prove_hessian_rule(loss.symmetry(), loss).proved
    True
    """
    check_statement(
        group, loss, gradient=True, samples=samples, shapes=shapes, time_limit=time_limit
    )
    affine = group.linear or group.translational or isinstance(group, QuadraticOrthogonal)
    if not affine:
        raise TypeError(
            f"the Hessian rule needs an affine action; that of {type(group).__name__} is not"
        )
    made = setting(group, loss, element=element, samples=samples, shapes=shapes)
    w = made.unknowns["w"]
    made = made.with_unknowns(u={name: symbol_array("u" + name, w[name].shape) for name in w})
    return _certificate(
        "Hessian rule",
        f"the Hessian moves by act_cotangent and act_tangent under {type(group).__name__}: "
        f"{made.subject}",
        r"H(g\cdot w) = \rho(g)^{-\mathsf T} H(w)\,\rho(g)^{-1}",
        made,
        _hessian,
        group,
        loss,
        time_limit,
    )


def prove_conserved(
    group: SymmetryGroup,
    loss: Any,
    *,
    samples: int = 1,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove that gradient flow leaves ``group.conserved(w)`` where it is (Noether).

    .. math:: \dot w = -\nabla L(w) \;\Rightarrow\; \tfrac{d}{dt} Q_i(w) =
        -\langle\nabla Q_i(w), \nabla L(w)\rangle = 0

    for every generator that acts by a symmetric matrix, or translates. ``Q`` is the group's
    ``conserved``, differentiated here; ``nabla L`` is the loss's own. Of a group that is not
    closed under transposes only the coordinates of symmetric generators are taken.

    Parameters
    ----------
    group : SymmetryGroup
        The supposed symmetry.
    loss : Loss
        As for :func:`prove_invariance`: its own code runs on symbols.
    samples : int
        Number of samples of a network, at least 1.
    shapes : dict of str to tuple, optional
        Of the parameters, where group and loss do not fix them.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError
        If the action is neither linear nor a translation.
    ValueError
        If no generator is symmetric, so that there is nothing to conserve, or ``time_limit`` is not
        positive.

    References
    ----------
    [Zha23] Zhao et al., *Symmetries, flat minima, and the conserved quantities of gradient flow*,
    ICLR 2023.

    Examples
    --------
    On a linear network these are the entries of ``W1 W1^T - W2^T W2``:

    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP([2, 2, 1], activation="linear", inputs=[[1.0, 2.0]], targets=[[0.0]])
    >>> certificate = lt.symbolic.prove_conserved(loss.symmetry(), loss)
    >>> certificate.proved, certificate.verify()
    (True, True)
    """
    check_statement(
        group, loss, gradient=True, samples=samples, shapes=shapes, time_limit=time_limit
    )
    made = setting(group, loss, finite=False, samples=samples, shapes=shapes)
    rng = np.random.default_rng(0)
    point = {name: rng.standard_normal(a.shape) for name, a in made.unknowns["w"].items()}
    kept = _symmetric_coordinates(group, point)
    nontrivial = int(np.sum(np.abs(group.conserved(point)[kept]) > 1e-12))
    if not nontrivial:
        raise ValueError(
            f"{type(group).__name__} has no symmetric generator, so gradient flow need not "
            "conserve anything"
        )

    def rate(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
        w, velocity = v["w"], gradient_of(loss, v["w"])

        def along(t: Any) -> Any:
            return group.conserved({name: w[name] + t * velocity[name] for name in w})[kept]

        return how.derivative(along), [0] * int(kept.sum())

    return _certificate(
        "conserved quantities",
        f"gradient flow conserves {nontrivial} quantities of {type(group).__name__}: "
        f"{made.subject}",
        r"\frac{d}{dt}\,Q(w) = -\langle\nabla Q(w),\nabla L(w)\rangle = 0",
        made,
        rate,
        group,
        loss,
        time_limit,
    )


def _symmetric_coordinates(group: SymmetryGroup, w: Mapping[str, Any]) -> np.ndarray:
    """Return a mask of the coordinates whose conserved quantity follows from a symmetric generator.

    Where the algebra is closed under transposes ``<X w, w>`` belongs to the symmetric part of X,
    which is in it: all of them. Elsewhere the generators are looked at one by one.
    """
    if isinstance(group, DirectProduct):
        return np.concatenate([_symmetric_coordinates(part, w) for part in group.groups])
    if group.self_adjoint or group.translational:
        return np.ones(group.dim, dtype=bool)
    rng = np.random.default_rng(1)
    u, v = w, {name: rng.standard_normal(a.shape) for name, a in w.items()}

    def pairing(x: np.ndarray, a: Any, b: Any) -> float:
        return float(inner(group.generator(x, a), b))

    return np.array([np.isclose(pairing(x, u, v), pairing(x, v, u)) for x in np.eye(group.dim)])


def _certificate(
    what: str,
    statement: str,
    latex: str,
    made: Setting,
    sides: Sides,
    group: SymmetryGroup,
    loss: Any,
    time_limit: float,
) -> Certificate:
    identity = Identity(made, sides, gradient=True, hessian=sides is _hessian)
    return certify(
        name=f"{what}, {names(group, loss)}",
        statement=statement,
        method=METHOD,
        scope=group.scope,
        assumptions=assumptions(made, group),
        latex=latex,
        residual=identity.residual,
        counterexample=identity.counterexample,
        time_limit=time_limit,
    )
