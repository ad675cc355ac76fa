"""All critical points of the gradient norm on a level set in the plane, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

from ..groups import ChartRotation
from ._symbols import remainder

__all__ = ["critical_points", "disagreement"]

X, Y = sympy.symbols("x y", real=True)


def critical_points(loss: Any, level: sympy.Rational) -> tuple[sympy.Expr, dict[str, Any]]:
    r"""Find where :math:`\|\nabla L\|^2` is critical on ``L(x, y) = level``.

    These are the common zeros of ``L - level`` and ``det(H grad L, grad L)``, polynomials from
    the shipped value, gradient and hvp. A resultant leaves one polynomial in one coordinate; the
    subresultant before it gives the other coordinate as a rational function of the first. Modulo
    every irreducible factor both polynomials and ``H grad L - lambda grad L`` must vanish, which
    is arithmetic in a number field: nothing is rounded. Roots are real by Sturm's theorem.

    Returns
    -------
    residual : Expr
        0 if the gradient is an eigenvector at all of them, and hvp is the derivative of gradient.
    summary : dict
        ``points`` (coordinates, squared norm and eigenvalue, in floats), ``largest`` squared norm
        and its ``eigenvalue``, exact where rational and to 25 digits otherwise, and
        ``minimal_polynomial`` of the largest.

    Raises
    ------
    ValueError
        If the loss is no polynomial, or the level set has no isolated critical points.
    """
    w = {"w": np.array([X, Y], dtype=object)}
    gradient = loss.gradient(w)
    product = loss.hvp(w, gradient)["w"]
    g = gradient["w"]
    polynomials = [loss.value(w) - level, product[0] * g[1] - product[1] * g[0]]
    try:
        polynomials = [sympy.Poly(sympy.expand(p), X, Y, domain="QQ") for p in polynomials]
    except sympy.PolynomialError as error:
        raise ValueError(f"the loss is no polynomial with rational coefficients: {error}") from None
    for shear in range(5):
        factors = _eliminate(polynomials, shear)
        if factors is not None:
            break
    else:
        raise ValueError("no isolated critical points: the gradient norm is constant there")
    points: list[dict[str, Any]] = []
    half_square = (g[0] ** 2 + g[1] ** 2) / 2
    # what makes zeros of the determinant critical points, at every point
    differences = [sympy.diff(half_square, a) - h for a, h in zip((X, Y), product, strict=True)]
    for factor, x, y in factors:
        at = {X: x, Y: y}
        u, v = (_field(e, at, factor) for e in g)
        norm = _modulo(u**2 + v**2, factor)
        if norm == 0:
            continue  # a critical point of the loss itself
        curved = [_field(e, at, factor) for e in product]
        eigenvalue = _modulo(
            (u * curved[0] + v * curved[1]) * sympy.invert(norm, factor, X), factor
        )
        differences += [
            _modulo(a - eigenvalue * b, factor) for a, b in zip(curved, (u, v), strict=True)
        ]
        points += _real(factor, x, y, norm, eigenvalue)
    if not points:
        raise ValueError(f"the level set L = {level} has no critical points of the gradient norm")
    best = max(points, key=lambda point: point["exact"][0].evalf(25))
    summary = {
        "largest": _short(best["exact"][0]),
        "eigenvalue": _short(best["exact"][1]),
        "minimal_polynomial": best["polynomial"],
        "points": [point["floats"] for point in points],
    }
    return remainder(differences), summary


def _eliminate(polynomials: list[Any], shear: int) -> list[Any] | None:
    """Return triples (irreducible factor, x, y), x and y polynomials modulo the factor.

    In coordinates turned by a shear, so that no two points share the one that is kept; ``None``
    if they do.
    """
    p, q = (sympy.Poly(f.as_expr().subs(X, X - shear * Y), Y) for f in polynomials)
    chain = sympy.subresultants(p, q)
    if chain[-1].degree() > 0 or chain[-2].degree() != 1:
        return None
    resultant = sympy.Poly(chain[-1].as_expr(), X)
    slope, constant = (sympy.Poly(c, X) for c in chain[-2].all_coeffs())
    found = []
    for factor, _ in resultant.factor_list()[1]:
        if not factor.count_roots():
            continue
        if slope.rem(factor).is_zero:
            return None
        y = (-constant * sympy.invert(slope, factor)).rem(factor).as_expr()
        x = X - shear * y
        if all(_field(f.as_expr(), {X: x, Y: y}, factor) == 0 for f in polynomials):
            found.append((factor, x, y))
    return found


def _field(expression: Any, at: dict[Any, Any], factor: sympy.Poly) -> sympy.Expr:
    """Return a polynomial in x and y at the point, modulo the factor."""
    polynomial = sympy.Poly(expression, X, Y)
    total = sympy.Poly(0, X)
    powers = {name: [sympy.Poly(1, X)] for name in (X, Y)}
    for name, value in at.items():
        for _ in range(polynomial.degree(name)):
            powers[name].append((powers[name][-1] * sympy.Poly(value, X)).rem(factor))
    for (i, j), coefficient in polynomial.terms():
        total += (powers[X][i] * powers[Y][j]).rem(factor) * coefficient
    return total.rem(factor).as_expr()


def _modulo(expression: Any, factor: sympy.Poly) -> sympy.Expr:
    return sympy.Poly(expression, X).rem(factor).as_expr()


def _real(factor: sympy.Poly, x: Any, y: Any, norm: Any, eigenvalue: Any) -> Iterator[Any]:
    """Yield what belongs to every real root of the factor."""
    value = sympy.Symbol("v")
    polynomial = sympy.Poly(sympy.resultant(factor.as_expr(), value - norm, X), value)
    polynomial = polynomial.sqf_part().primitive()[1]
    for root in factor.real_roots(multiple=False) if factor.degree() > 2 else factor.real_roots():
        root = root[0] if isinstance(root, tuple) else root
        exact = [sympy.sympify(e).subs(X, root) for e in (norm, eigenvalue)]
        if factor.degree() <= 2:
            exact = [sympy.radsimp(sympy.expand(e)) for e in exact]
        coordinates = [sympy.sympify(e).subs(X, root) for e in (x, y)]
        yield {
            "exact": exact,
            "polynomial": polynomial.as_expr(),
            "floats": [float(e.evalf(25)) for e in (*coordinates, *exact)],
        }


def _short(e: sympy.Expr) -> sympy.Expr:
    return e if e.is_Rational else e.evalf(25)


def disagreement(loss: Any, level: float, summary: dict[str, Any], seed: int) -> str | None:
    """Return what contradicts the summary in float64, or ``None``.

    Every point must lie on the level set, with the gradient norm at rest along it by central
    differences. Where the loss has a chart rotation, a walk around the level set must meet as
    many critical points, and no larger norm.
    """
    for x, y, norm, eigenvalue in summary["points"]:
        w = {"w": np.array([x, y])}
        g = loss.gradient(w)["w"]
        step = 1e-5 * np.array([-g[1], g[0]]) / np.linalg.norm(g)
        ahead, behind = (_norm(loss, {"w": w["w"] + s * step}) for s in (1, -1))
        along = np.linalg.norm(g) * 1e-5  # the same step across the level set, for comparison
        outward = _norm(loss, {"w": w["w"] + 1e-5 * g / np.linalg.norm(g)}) - norm
        # along the tangent the norm changes by 2 <H grad L, tangent> = 0
        rest = abs(ahead - behind) <= 1e-6 * (abs(outward) + norm)
        slope = abs(outward - 2 * eigenvalue * along) <= 1e-3 * (abs(outward) + 1e-3 * norm)
        if not (rest and slope and np.isclose(loss.value(w), level, rtol=1e-9)):
            return f"in float64 ({x}, {y}) is no critical point with eigenvalue {eigenvalue}"
    group = loss.symmetry() if hasattr(loss, "symmetry") else None
    if not isinstance(group, ChartRotation):
        return None
    w = {"w": group.inverse_chart(np.array([np.sqrt(level), 0.0]))}
    angles = np.linspace(0, 2 * np.pi, 4001)[:-1] + 1e-3 * seed
    norms = np.array([_norm(loss, group.act(group.exp(np.sqrt(2) * a[None]), w)) for a in angles])
    turns = int(np.sum(np.diff(np.sign(np.diff(norms, append=norms[:2]))) != 0))
    largest = float(summary["largest"])
    if turns != len(summary["points"]) or not -1e-9 < 1 - norms.max() / largest < 1e-4:
        return f"a walk in float64 met {turns} critical points and the norm {norms.max()}"
    return None


def _norm(loss: Any, w: Any) -> float:
    return float((loss.gradient(w)["w"] ** 2).sum())
