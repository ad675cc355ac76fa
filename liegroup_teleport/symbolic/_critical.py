"""All critical points of the gradient norm on a level set in the plane, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy

from ..groups._layout import Layout
from ._gradients import derivative_pairs, gradient_of
from ._normal_form import remainder
from ._running import run, value_of
from ._scalars import Notes, expression_of
from ._symbols import Symbols, entries, fresh, unwrapped, wrapped

__all__ = ["critical_points", "disagreement", "plane"]

X, Y = fresh("x"), fresh("y")


def plane(loss: Any) -> Layout:
    """Return the layout of a loss of two variables; ``{"w": (2,)}`` where it does not say.

    Raises
    ------
    ValueError
        If there are more variables, or fewer.
    """
    layout = Layout(getattr(loss, "shapes", None) or {"w": (2,)})
    if layout.size != 2:
        raise ValueError(
            f"level: {type(loss).__name__} has {layout.size} variables, {dict(layout.shapes)}; "
            "expected two"
        )
    return layout


def _restored(layout: Layout, flat: np.ndarray) -> dict[str, Any]:
    return {name: flat[window].reshape(layout.shapes[name])
            for name, window in layout.windows.items()}  # fmt: skip


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
    notes = Notes()
    layout = plane(loss)
    w = wrapped(_restored(layout, np.array([X, Y], dtype=object)), notes)
    u = wrapped(_restored(layout, np.array([fresh("u_0"), fresh("u_1")], dtype=object)), notes)
    what = f"value(w), gradient(w) and hvp(w, v) of {type(loss).__name__}"
    # gradient and hvp have to be the derivatives of value
    differences = run(what, "symbols", lambda: [
        expression_of(a) - expression_of(b)
        for a, b in derivative_pairs(loss, w, u, Symbols(notes))
    ])  # fmt: skip
    gradient = gradient_of(loss, w)
    product = list(entries(unwrapped({n: loss.hvp(w, gradient)[n] for n in w})))
    g = list(entries(unwrapped({n: gradient[n] for n in w})))
    value = expression_of(value_of(loss, w))
    polynomials = [value - level, product[0] * g[1] - product[1] * g[0]]
    try:
        polynomials = [sympy.Poly(sympy.expand(p), X, Y, domain="QQ") for p in polynomials]
    except (sympy.PolynomialError, sympy.CoercionFailed) as error:
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
    differences += [sympy.diff(half_square, a) - h for a, h in zip((X, Y), product, strict=True)]
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
    value = sympy.Symbol("v")  # the result's own
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
    differences. Walks along the level set, from many random places, must meet no other point of
    rest and no larger norm.
    """
    curve = _Curve(loss, plane(loss), level)
    for x, y, norm, eigenvalue in summary["points"]:
        w = np.array([x, y])
        length = np.sqrt(curve.norm(w))
        scale = norm / (1 + np.hypot(*w))
        outward = curve.slope(w, across=True) / length
        here = abs(curve.value(w) - level) <= 1e-9 * (abs(level) + 1)
        rest = abs(curve.slope(w) / length) <= 1e-5 * (abs(outward) + scale)
        # across the level set the norm changes by 2 <H grad L, grad L> / |grad L|
        right = abs(outward - 2 * eigenvalue * length) <= 1e-4 * (abs(outward) + scale)
        if not (here and rest and right and abs(length**2 - norm) <= 1e-9 * norm):
            return f"in float64 ({x}, {y}) is no critical point with eigenvalue {eigenvalue}"
    largest, known = float(summary["largest"]), np.array(summary["points"])[:, :2]
    for point in _rests(curve, known, seed):
        norm = curve.norm(point)
        if norm > largest * (1 + 1e-4):
            return f"a walk in float64 met the norm {norm} at {point}"
        if min(np.hypot(*(known - point).T)) > 1e-2 * (1 + np.hypot(*point)):
            return f"a walk in float64 met another point of rest near {point}"
    return None


class _Curve:
    """A level set in the plane, in float64."""

    def __init__(self, loss: Any, layout: Layout, level: float) -> None:
        self.loss, self.layout, self.level = loss, layout, level

    def _at(self, w: np.ndarray) -> dict[str, Any]:
        return _restored(self.layout, np.asarray(w, dtype=np.float64))

    def value(self, w: np.ndarray) -> float:
        return float(self.loss.value(self._at(w)))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        return self.layout.flatten(self.loss.gradient(self._at(w)))

    def norm(self, w: np.ndarray) -> float:
        """Return the squared norm of the gradient."""
        g = self.gradient(w)
        return float(g @ g)

    def slope(self, w: np.ndarray, *, across: bool = False) -> float:
        """Return the derivative of the norm along the curve or across it, times the gradient's."""
        g = self.gradient(w)
        direction = g if across else np.array([-g[1], g[0]])
        h = 1e-6 * (1 + np.hypot(*w)) / max(np.hypot(*g), 1e-300)
        coarse, fine = (
            (self.norm(w + k * direction) - self.norm(w - k * direction)) / (2 * k)
            for k in (h, h / 2)
        )
        return (4 * fine - coarse) / 3  # Richardson: curves may turn sharply

    def onto(self, w: np.ndarray) -> np.ndarray | None:
        """Return a near point of the level set (Newton's method along the gradient)."""
        for _ in range(40):
            g, rest = self.gradient(w), self.value(w) - self.level
            if not np.all(np.isfinite(g)) or not g @ g > 0:
                return None
            if abs(rest) <= 1e-11 * (1 + abs(self.level)):
                return w
            w = w - rest * g / (g @ g)
        return None


def _rests(curve: _Curve, known: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Walk along the level set and yield where the norm is at rest."""
    rng = np.random.default_rng(seed)
    middle = known.mean(axis=0)
    spread = 1 + np.abs(known - middle).max()
    with np.errstate(all="ignore"):
        for _ in range(8):
            w = curve.onto(middle + spread * rng.standard_normal(2))
            for _ in range(120):
                ahead = None if w is None else _step(curve, w, 0.02 * spread)
                if w is None or ahead is None:
                    break
                if np.sign(curve.slope(w)) != np.sign(curve.slope(ahead)):
                    rest = _between(curve, w, ahead)
                    if rest is not None:
                        yield rest
                w = ahead


def _step(curve: _Curve, w: np.ndarray, step: float) -> np.ndarray | None:
    g = curve.gradient(w)
    ahead = curve.onto(w + step * np.array([-g[1], g[0]]) / np.hypot(*g))
    return None if ahead is None or np.hypot(*(ahead - w)) > 2 * step else ahead


def _between(curve: _Curve, a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Return where the slope changes its sign between two points of the curve, by halving."""
    sign = np.sign(curve.slope(a))
    for _ in range(40):
        middle = curve.onto((a + b) / 2)
        if middle is None or np.hypot(*(middle - (a + b) / 2)) > np.hypot(*(a - b)):
            return None
        if np.sign(curve.slope(middle)) == sign:
            a = middle
        else:
            b = middle
    return (a + b) / 2
