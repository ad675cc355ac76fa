"""Proofs of the laws that every group and its action obey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._arrays import inner
from ..groups import SymmetryGroup
from ._certificate import Certificate, certify
from ._doors import check_statement
from ._elements import near_identity
from ._identity import Identity
from ._invariance import METHOD, assumptions, names
from ._settings import setting
from ._symbols import symbol_array

__all__ = ["prove_group_laws"]

LAWS = r"""(gh)\cdot w = g\cdot(h\cdot w),\quad e\cdot w = w,\quad g^{-1}\cdot(g\cdot w) = w,\quad
\langle\rho_*^{-\mathsf T}p,\,\rho_*u\rangle = \langle p,u\rangle,\quad
\xi_x(w) = \tfrac{d}{dt}\,e^{tx}\cdot w\,\big|_0,\quad
\langle\rho(w,p), x\rangle = \langle p,\xi_x(w)\rangle"""


def _near(group: Any, x: Any, t: Any) -> Any:
    """Return ``exp(t x)``, to first order in t where the exponential needs floats."""
    floats = isinstance(x, np.ndarray) and x.dtype != np.dtype(object)
    return group.exp(t * x) if floats else near_identity(group, x, t)


def _sides(group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> tuple[Any, Any]:
    w, g, h, x, u, p = (v[name] for name in ("w", "g", "h", "x", "u", "p"))
    moved = group.act(g, w)
    pushed, pulled = group.act_tangent(g, w, u), group.act_cotangent(g, w, p)
    velocity = group.generator(x, w)
    laws = [
        (group.act(group.compose(h, g), w), group.act(h, moved)),
        (group.act(group.identity(), w), w),
        (group.act(group.inverse(g), moved), w),
        (how.derivative(lambda t: group.act(g, {n: w[n] + t * u[n] for n in w})), pushed),
        (inner(pulled, pushed), inner(p, u)),
        (how.derivative(lambda t: group.act(_near(group, x, t), w)), velocity),
        ((group.generator_adjoint(w, p) * x).sum(), inner(p, velocity)),
    ]
    if group.linear:
        other = group.generator(x, u)
        laws.append((2 * (group.moment_map(w, u) * x).sum(), inner(velocity, u) + inner(other, w)))
    return [left for left, _ in laws], [right for _, right in laws]


def prove_group_laws(
    group: SymmetryGroup,
    loss: Any = None,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    time_limit: float = 60.0,
) -> Certificate:
    """Prove that ``group`` acts: composition, identity, inverse, and what is derived from them.

    ``act_tangent`` is the derivative of ``act``, ``act_cotangent`` its inverse transpose,
    ``generator`` the velocity of ``act(exp(t x), w)`` at t = 0, ``generator_adjoint`` its dual
    and ``moment_map`` (of linear actions) the symmetric part of that. All by the group's code.

    Parameters
    ----------
    group : SymmetryGroup
        What is put to the proof.
    loss : Loss, optional
        What fixes the shapes of the parameters, where ``group.shapes`` leaves some open.
    shapes : dict of str to tuple, optional
        The shapes, as an alternative.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError
        If the group has scope ``"batch"``: its laws hold on hidden states only, see
        :class:`liegroup_teleport.groups.ActivationGL`.
    ValueError
        If ``time_limit`` is not positive.

    References
    ----------
    [Hal15] Hall, *Lie Groups, Lie Algebras, and Representations*, 2nd edition, 2015.

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979 (the moment map).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Rosenbrock()
    >>> certificate = lt.symbolic.prove_group_laws(loss.symmetry())
    >>> certificate.proved, certificate.verify()
    (True, True)
    """
    check_statement(group, loss, optional=True, shapes=shapes, time_limit=time_limit)
    if group.scope == "batch":
        raise TypeError(
            f"{type(group).__name__} owes the laws on the hidden states of its batch only; "
            "prove its invariance and cotangent rule"
        )
    made = setting(group, getattr(group, "loss", loss), shapes=shapes)
    w = made.unknowns["w"]
    made = made.with_element("h").with_unknowns(
        u={name: symbol_array("u" + name, w[name].shape) for name in w},
        p={name: symbol_array("p" + name, w[name].shape) for name in w},
    )
    identity = Identity(made, _sides, about_loss=False)
    return certify(
        name=f"group laws, {names(group, getattr(group, 'loss', loss))}",
        statement=f"{type(group).__name__} acts on the parameters, with the tangent, cotangent, "
        "generator and moment map that it says",
        method=METHOD,
        scope=group.scope,
        assumptions=(*assumptions(made, group), "exp(t x) = 1 + t x + O(t^2)"),
        latex=LAWS,
        residual=identity.residual,
        counterexample=identity.counterexample,
        time_limit=time_limit,
    )
