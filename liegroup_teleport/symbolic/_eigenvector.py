"""Where the gradient norm is critical on a level set, the gradient is a Hessian eigenvector."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import sympy

from .._arrays import inner
from .._checks import check_instance, shown
from .._errors import DomainError
from ..groups import SymmetryGroup
from ._certificate import Certificate, certify
from ._critical import critical_points, disagreement, plane
from ._doors import check_time
from ._draws import GENERIC, Draw
from ._gradients import gradient_of, wrong_derivative
from ._identity import Identity
from ._invariance import assumptions, loss_name, names
from ._running import as_floats
from ._scalars import exact_rational
from ._settings import loss_setting, setting
from ._symbols import symbol_array

__all__ = ["minors", "prove_gradient_is_hessian_eigenvector"]

EIGENVECTOR = (
    r"\nabla\tfrac12\|\nabla L\|^2 \parallel \nabla L \neq 0 \;\Longleftrightarrow\; "
    r"H\nabla L = \lambda\nabla L,\quad "
    r"\lambda = \frac{\nabla L^{\mathsf T} H\nabla L}{\|\nabla L\|^2}"
)


def prove_gradient_is_hessian_eigenvector(
    loss: Any,
    *,
    level: Any = None,
    group: SymmetryGroup | None = None,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove where ``H grad L = lambda grad L`` follows from a critical gradient norm.

    Four statements, by what is given:

    - ``loss`` an integer n: for every smooth function of n variables, :math:`\|\nabla L\|^2` is
      critical on the level set through w (Lagrange: its gradient is parallel to
      :math:`\nabla L \ne 0`) if and only if :math:`\nabla L` is an eigenvector of H there.
    - a loss: the same for its own ``gradient`` and ``hvp`` at every w.
    - a loss of two variables and a ``level``: all critical points on the level set
      ``L(w) = level``, found exactly by elimination, each an eigenvector exactly. ``witness``
      lists them with :math:`\|\nabla L\|^2`, the eigenvalue, and the largest.
    - a loss and a ``group`` whose orbits may be smaller than level sets: only
      :math:`\langle H\nabla L, \xi_x(w)\rangle = \tfrac{d}{dt}\tfrac12\|\nabla L(e^{tx}w)\|^2`,
      for linear groups :math:`= -\langle\mu(\nabla L), x\rangle`, so that it vanishes at critical
      points of the orbit; see :func:`smaller_orbit_counterexample`.

    Parameters
    ----------
    loss : int or Loss
        The number of variables of a generic function, or a loss.
    level : int, Fraction or sympy.Rational, optional
        A value of the loss, positive.
    group : SymmetryGroup, optional
        A symmetry of the loss.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If both a level and a group are given, the level is not positive or has no critical points,
        n is less than 2, or ``time_limit`` is not positive.
    TypeError
        If ``loss`` is neither a number of variables nor a loss with ``value`` and ``gradient``, or
        ``level`` is no rational number.

    References
    ----------
    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024
    (teleportation and Newton's method).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> proof = lt.symbolic.prove_gradient_is_hessian_eigenvector(lt.losses.Booth(), level=10)
    >>> proof.proved, proof.witness["largest"], proof.witness["eigenvalue"]
    (True, 360, 18)
    """
    if isinstance(loss, int) and not isinstance(loss, bool):
        return _generic(loss, time_limit)
    check_time(time_limit)
    for method in ("value", "gradient"):
        if isinstance(loss, type) or not callable(getattr(loss, method, None)):
            raise TypeError(
                f"loss is {shown(loss)}, without {method}(w); expected a loss or a number of "
                "variables"
            )
    if group is not None:
        check_instance("group", group, SymmetryGroup, "a SymmetryGroup or None")
    if level is not None and group is not None:
        raise ValueError("give a level or a group, not both")
    if level is not None:
        return _on_level(loss, level, time_limit)
    if group is not None:
        return _on_orbit(loss, group, time_limit)
    return _of_loss(loss, time_limit)


def minors(u: list[Any], v: list[Any]) -> list[Any]:
    """Return the 2 x 2 minors of two vectors: zero exactly if they are parallel."""
    return [u[i] * v[j] - u[j] * v[i] for i, j in combinations(range(len(u)), 2)]


def _generic(n: int, time_limit: float) -> Certificate:
    if n < 2:
        raise ValueError(f"n is {n}; expected at least 2 variables")
    x = sympy.symbols(f"x1:{n + 1}", real=True)
    L = sympy.Function("L")(*x)

    def residual() -> Any:
        gradient = [L.diff(a) for a in x]
        half_square = sum(d**2 for d in gradient) / 2
        ascent = [half_square.diff(a) for a in x]
        product = [sum(L.diff(a, b) * d for b, d in zip(x, gradient, strict=True)) for a in x]
        # parallel for one means parallel for the other, and what the multiplier is
        multiplier = sympy.Symbol("lambda")
        rayleigh = sum(d * multiplier * d for d in gradient) - multiplier * 2 * half_square
        differences = [a - b for a, b in zip(ascent, product, strict=True)]
        differences += [
            a - b for a, b in zip(minors(ascent, gradient), minors(product, gradient), strict=True)
        ]
        return next((d for e in [*differences, rayleigh] if (d := sympy.expand(e)) != 0), 0)

    def counterexample(seed: int) -> dict[str, Any] | None:
        """Try a random polynomial of degree four at a rational point."""
        rng = np.random.default_rng(seed)
        powers = [p for p in np.ndindex(*[5] * n) if sum(p) <= 4]
        f = sum(
            int(rng.integers(-5, 6)) * sympy.Mul(*(a**k for a, k in zip(x, p, strict=True)))
            for p in powers
        )
        at = {a: sympy.Rational(int(rng.integers(-9, 10)), 4) for a in x}
        gradient = sympy.Matrix([f.diff(a) for a in x])
        ascent = (gradient.dot(gradient) / 2).expand()
        left = sympy.Matrix([ascent.diff(a) for a in x]).subs(at)
        right = (sympy.hessian(f, x) * gradient).subs(at)
        return None if left == right else {"function": f, "point": at}

    return certify(
        name=f"gradient is a Hessian eigenvector, generic function of {n} variables",
        statement=f"for every smooth function of {n} variables the squared gradient norm is "
        "critical on a level set exactly where the gradient is an eigenvector of the Hessian",
        method="derivatives of an unknown function, expanded; re-checked on random polynomials",
        assumptions=("L is three times differentiable", "grad L is not zero (Lagrange)"),
        scope="level set",
        latex=EIGENVECTOR,
        residual=residual,
        counterexample=counterexample,
        time_limit=time_limit,
    )


def _of_loss(loss: Any, time_limit: float) -> Certificate:
    if getattr(loss, "shapes", None) is None:
        raise ValueError("the loss has no shapes, so its parameters are not known")
    made = loss_setting(loss)
    w = made.unknowns["w"]
    made = made.with_unknowns(u={name: symbol_array("u" + name, w[name].shape) for name in w})

    def sides(group: Any, loss: Any, v: Any, how: Any) -> tuple[Any, Any]:
        w, u = v["w"], v["u"]

        def half_square(t: Any) -> Any:
            there = gradient_of(loss, {name: w[name] + t * u[name] for name in w})
            return inner(there, there) / 2

        product = loss.hvp(w, gradient_of(loss, w))
        return how.derivative(half_square), inner(product, u)

    identity = Identity(made, sides, gradient=True, hessian=True)
    return certify(
        name=f"gradient is a Hessian eigenvector, {loss_name(loss)}",
        statement="grad |grad L|^2/2 = H grad L for the loss's own gradient and hvp, which belong "
        "to its value; so the gradient is an eigenvector of the Hessian where its norm is critical "
        "on a level set",
        method="the shipped value, gradient and hvp on symbols, differentiated; re-checked by "
        "differences in exact numbers and in float64",
        assumptions=("grad L is not zero (Lagrange)", *made.assumptions),
        scope="level set",
        latex=EIGENVECTOR,
        residual=identity.residual,
        counterexample=identity.counterexample,
        time_limit=time_limit,
    )


def _on_level(loss: Any, level: Any, time_limit: float) -> Certificate:
    exact = exact_rational(level)
    if exact is None or isinstance(level, bool):
        raise TypeError(f"level is {level!r:.60}; expected a positive rational number")
    if not exact > 0:
        raise ValueError(f"level is {level}; expected a positive number")
    level = sympy.Rational(exact.numerator, exact.denominator)
    layout = plane(loss)

    def wrong(seed: int) -> dict[str, Any] | None:
        """Ask at numbers whether gradient and hvp are the derivatives of value."""
        for i in range(4):
            draw = Draw(Random(f"{seed} {i}"), GENERIC, calm=True)
            w = {name: draw.point(shape) for name, shape in layout.shapes.items()}
            try:
                found = wrong_derivative(loss, w, draw.modest, hessian=True)
            except (DomainError, ZeroDivisionError):
                continue
            if found is not None:
                return {"w": as_floats(w), **_readable(found)}
        return None

    certificate = certify(
        name=f"gradient is a Hessian eigenvector, {loss_name(loss)} at level {level}",
        statement=f"all critical points of the gradient norm on L = {level}, found exactly, are "
        "places where the gradient is an eigenvector of the Hessian; the largest is the witness's",
        method="resultant and subresultant of the shipped value, gradient and hvp, arithmetic "
        "modulo irreducible factors; re-checked by walks along the level set in float64, with "
        "differences of the value",
        assumptions=("the walks of the re-check tell points of rest apart by 1e-2, norms by 1e-4",),
        scope="level set",
        latex=EIGENVECTOR,
        residual=lambda: critical_points(loss, level),
        counterexample=wrong,
        time_limit=time_limit,
    )
    summary = certificate.witness if certificate.proved else None

    def recheck(seed: int) -> dict[str, Any] | None:
        found = wrong(seed)
        if found is not None or summary is None:
            return found
        contradiction = disagreement(loss, float(level), dict(summary), seed)
        return None if contradiction is None else {"contradiction": contradiction}

    return replace(certificate, recheck=recheck)


def _readable(found: dict[str, Any]) -> dict[str, Any]:
    return {key: a if isinstance(a, str) else float(a) for key, a in found.items()}


def _on_orbit(loss: Any, group: SymmetryGroup, time_limit: float) -> Certificate:
    made = setting(group, loss, finite=False)
    w = made.unknowns["w"]
    made = made.with_unknowns(u={name: symbol_array("u" + name, w[name].shape) for name in w})

    def sides(group: Any, loss: Any, v: Any, how: Any) -> tuple[Any, Any]:
        w, x = v["w"], v["x"]
        gradient = gradient_of(loss, w)
        curved = inner(loss.hvp(w, gradient), group.generator(x, w))
        return curved, -(group.moment_map(gradient) * x).sum()

    def general(group: Any, loss: Any, v: Any, how: Any) -> tuple[Any, Any]:
        """Return the same with the derivative of the norm along the orbit, for any action."""
        w = v["w"]
        velocity = group.generator(v["x"], w)

        def half_square(t: Any) -> Any:
            ahead = gradient_of(loss, {name: w[name] + t * velocity[name] for name in w})
            return inner(ahead, ahead) / 2

        return inner(loss.hvp(w, gradient_of(loss, w)), velocity), how.derivative(half_square)

    identity = Identity(made, sides if group.linear else general, gradient=True, hessian=True)
    right = r"-\langle\mu(\nabla L), x\rangle" if group.linear else "0"
    return certify(
        name=f"eigenvector theorem on orbits, {names(group, loss)}",
        statement="where the gradient norm is critical on the orbit, H grad L is orthogonal to the "
        f"orbit (and need not be parallel to grad L): {made.subject}",
        method="the shipped hvp, generator and moment map on symbols; re-checked in exact rational "
        "arithmetic",
        assumptions=assumptions(made, group),
        scope="orbit",
        latex=r"\langle H\nabla L,\,\xi_x(w)\rangle = "
        r"\tfrac{d}{dt}\tfrac12\|\nabla L(e^{tx}\cdot w)\|^2\big|_0 = " + right,
        residual=identity.residual,
        counterexample=identity.counterexample,
        time_limit=time_limit,
    )
