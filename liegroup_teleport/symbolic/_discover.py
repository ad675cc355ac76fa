"""All linear and affine symmetries of a polynomial loss, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, isqrt, lcm
from random import Random
from typing import Any, Literal

import numpy as np
import scipy.linalg
import scipy.sparse
import sympy
from sympy.polys.matrices import DomainMatrix

from .._checks import check_choice
from ..discovery import Discovery
from ..discovery._identify import identify
from ..discovery._result import group_of
from ._certificate import certify
from ._draws import GENERIC, Draw
from ._modular import solutions_modulo
from ._numbers import Number, number
from ._polynomials import Polynomials, polynomials_of
from ._running import EXACT_STEP

__all__ = ["discover"]

POINTS = 5  # random points of a re-check: each misses an error with probability below 1e-4


def discover(
    loss: Any,
    variables: Any = None,
    *,
    level: Literal["loss", "function"] = "loss",
    time_limit: float = 60.0,
) -> Discovery:
    r"""Find all infinitesimal linear and affine symmetries of a polynomial, with a proof.

    A vector field :math:`Xw + c` leaves L unchanged exactly if
    :math:`\langle\nabla L(w), Xw + c\rangle` is the zero polynomial: its coefficients
    are linear equations for the entries of X and c, and their null space over the
    rational numbers is the Lie algebra. Symbols of the data count as variables of the
    polynomial, so that what is found holds for all their values.

    Parameters
    ----------
    loss : Loss, expression, sequence of expressions or callable
        A ``Quadratic``, ``Booth``, ``Rosenbrock``, a linear ``MLP`` with ``"mse"``, or
        any loss whose ``value`` adds and multiplies entries of object arrays; data may
        contain SymPy symbols, and floats count as the rationals that they are. Or a
        SymPy expression (of a sequence, each must not change), or a Python function of
        the variables that returns one; floats in it count as decimals.
    variables : sequence of Symbol or dict of str to tuple, optional
        Needed for expressions and functions. Of a sequence the parameters are
        ``{"w": (n,)}``. Of a dict from name to shape, a function gets one argument, a
        dict of object arrays.
    level : {"loss", "function"}
        ``"function"`` asks for the symmetries of an MLP's outputs for every input
        instead of those of its loss on its data.
    time_limit : float
        Seconds for the certificate.

    Returns
    -------
    Discovery
        ``generators`` are SymPy matrices with whole, coprime entries, (n, n), or
        (n + 1, n + 1) on ``(w, 1)`` where one of them translates.

    Raises
    ------
    ValueError
        If the loss is no polynomial with rational coefficients.
    TypeError
        If ``loss`` or ``variables`` cannot be understood.

    References
    ----------
    [Olv93] Olver, *Applications of Lie Groups to Differential Equations*, 2nd edition, 1993,
    chapter 2
    (infinitesimal criterion of invariance).

    Examples
    --------
    >>> import sympy
    >>> import liegroup_teleport as lt
    >>> x, y, z = sympy.symbols("x y z")
    >>> found = lt.symbolic.discover(x**2 + y**2 + z, [x, y, z])
    >>> print(found)
    dimension 3, not identified: solvable; dimension 3
    x' = y, y' = -x
    x' = 1, z' = -2 x
    y' = 1, z' = -2 y
    >>> found.certificate.proved, found.certificate.verify()
    (True, True)
    """
    check_choice("level", level, ("loss", "function"))
    problem = polynomials_of(loss, variables, level)
    shapes, n = problem.layout.shapes, problem.layout.size
    equations = _equations(problem)
    found = _Algebra(problem, equations, _null_space(equations, n * (n + 1)))
    d = len(found.rows)
    algebra, _ = identify(found.floats, n)
    certificate = certify(
        name=f"symmetries of {problem.what}",
        statement=(
            f"the {d} vector fields X w + c leave {problem.what} unchanged and span a Lie algebra; "
            "by integration so does the flow exp(t X) for every t, and there are no other linear "
            "or affine ones"
        ),
        method=(
            "coefficients of <grad L, X w + c> by monomials, null space over the rationals, "
            "brackets in exact integers; re-checked by differences of the loss's own values at "
            "exact numbers, to 1e-15, and by counting the solutions at random points modulo a prime"
        ),
        scope="function" if problem.function else "loss",
        assumptions=[
            *(f"{s} is any number" for s in problem.data),
            *("floats in expressions are the decimals that they print as",) * problem.decimals,
        ],
        latex=r"\langle\nabla L(w),\,X_i w + c_i\rangle = 0,\quad"
        r"[X_i, X_j] \in \mathrm{span}\{X_k\}",
        residual=found.residual,
        counterexample=found.counterexample,
        time_limit=time_limit,
    )
    return Discovery(
        generators=found.matrices,
        algebra=algebra,
        group=group_of(found.floats, shapes, "function" if problem.function else "loss"),
        certificate=certificate,
        labels=problem.labels,
        message=f"{d} of {n * (n + 1)} unknowns are free",
    )


def _equations(problem: Polynomials) -> list[dict[int, int]]:
    """Return the equations for the entries of ``[X | c]``, row by row, as coprime integers."""
    n = problem.layout.size
    equations: dict[Any, dict[int, Any]] = {}
    for k, value in enumerate(problem.values):
        for i, w_i in enumerate(problem.variables):
            slope = value.diff(w_i)
            for j, factor in enumerate((*problem.variables, None)):
                term = slope if factor is None else slope * factor
                for monomial, coefficient in term.items():
                    equations.setdefault((k, monomial), {})[i * (n + 1) + j] = coefficient
    whole = [_whole(row) for row in equations.values()]
    return list({tuple(sorted(row.items())): row for row in whole}.values())


def _null_space(equations: list[dict[int, int]], columns: int) -> list[dict[int, int]]:
    """Return a basis of the solutions as coprime integers, in reduced row echelon form."""
    order = _order(equations, columns)
    place = {int(j): k for k, j in enumerate(order)}
    rows = {i: {place[j]: sympy.QQ(v) for j, v in row.items()} for i, row in enumerate(equations)}
    vectors = DomainMatrix(rows, (len(rows), columns), sympy.QQ).nullspace().to_sdm().values()
    basis = [_whole({int(order[k]): v for k, v in vector.items()}) for vector in vectors]
    return sorted(basis, key=sorted)


def _order(rows: list[dict[int, Any]], columns: int) -> np.ndarray:
    """Return an order of the unknowns in which the free ones come last.

    A pivoted QR decomposition in floating point finds it: then the rational null space
    has moderate entries, as a basis in reduced row echelon form from the left may not.
    """
    if not rows:
        return np.arange(columns)
    scaled = []
    for row in rows:
        largest = max(abs(v) for v in row.values())
        scaled.append({j: Fraction(v, largest) for j, v in row.items()})
    A = _sparse(scaled, columns)
    _, order = scipy.linalg.qr((A.T @ A).toarray(), mode="r", pivoting=True)
    return np.asarray(order)


def _sparse(rows: list[dict[int, Any]], columns: int) -> Any:
    """Return the sparse float64 matrix of rows."""
    places = [(i, j) for i, row in enumerate(rows) for j in row]
    values = np.array([float(v) for row in rows for v in row.values()])
    return scipy.sparse.csr_array((values, np.array(places).T), shape=(len(rows), columns))


def _whole(vector: dict[int, Any]) -> dict[int, int]:
    """Return a rational vector as coprime integers, the first one positive."""
    denominator = lcm(*(int(v.denominator) for v in vector.values()))
    whole = {j: int(v.numerator) * (denominator // int(v.denominator)) for j, v in vector.items()}
    common = gcd(*whole.values()) * (1 if whole[min(whole)] > 0 else -1)
    return {j: v // common for j, v in whole.items()}


def _residues(whole: np.ndarray, p: int) -> np.ndarray:
    """Return whole numbers below 2^53 modulo p, between -p/2 and p/2: zero exactly if p divides.

    Exact, and several times faster than NumPy's remainder of floats.
    """
    return whole - p * np.rint(whole / p)


@dataclass(frozen=True)
class _Algebra:
    """The vector fields found, and what is to be shown of them."""

    problem: Polynomials
    equations: list[dict[int, int]]
    rows: list[dict[int, int]]

    @cached_property
    def blocks(self) -> np.ndarray:
        """The generators on ``(w, 1)``, Python integers, (d, n + 1, n + 1)."""
        n = self.problem.layout.size
        result = np.zeros((len(self.rows), n + 1, n + 1), dtype=object)
        for k, row in enumerate(self.rows):
            for place, v in row.items():
                result[k, place // (n + 1), place % (n + 1)] = v
        return result

    @cached_property
    def translates(self) -> bool:
        """Whether a generator has a translation."""
        return bool(np.any(self.blocks[:, :, -1] != 0))

    @property
    def matrices(self) -> tuple[sympy.ImmutableMatrix, ...]:
        """The generators as SymPy matrices, as small as they can be."""
        N = self.problem.layout.size + self.translates
        return tuple(sympy.ImmutableMatrix(block[:N, :N]) for block in self.blocks)

    @cached_property
    def floats(self) -> np.ndarray:
        """The generators in float64, the largest entry of each scaled to 1."""
        N = self.problem.layout.size + self.translates
        result = np.zeros((len(self.rows), N, N))
        for k, block in enumerate(self.blocks):
            largest = max(abs(v) for v in self.rows[k].values())
            for i, j in zip(*np.nonzero(block), strict=True):
                result[k, i, j] = float(Fraction(block[i, j], largest))
        return result

    def residual(self) -> sympy.Expr:
        """Return what is left of derivatives along the generators, and of brackets."""
        R = self.problem.values[0].ring.clone(domain=sympy.ZZ)
        variables = [w.set_ring(R) for w in self.problem.variables]
        for value in self.problem.values:
            whole = value.clear_denoms()[1].set_ring(R)
            slopes = [whole.diff(w) for w in variables]
            for block in self.blocks:
                total = R.zero
                for i, slope in enumerate(slopes):
                    if slope:
                        terms = (
                            int(v) * w for v, w in zip(block[i], (*variables, R.one), strict=True)
                        )
                        total += slope * sum(terms, R.zero)
                if total:
                    return total.as_expr()
        return sympy.Integer(self._bracket_rest())

    def _bracket_rest(self) -> int:
        """Return zero if all brackets solve the equations, exactly: then they are in the span.

        What they leave is an integer below a known bound, so zero if it is zero modulo
        primes of a larger product; products of numbers below these are exact in float64.
        """
        d, N = len(self.rows), self.blocks.shape[-1]
        if d < 2 or not self.equations:
            return 0
        terms = max(N, *(len(row) for row in self.equations))
        entry = max(abs(v) for row in self.rows for v in row.values())
        coefficient = max(abs(v) for row in self.equations for v in row.values())
        bound = terms * coefficient * 2 * N * entry**2
        first, second = np.triu_indices(d, 1)
        product, p = 1, isqrt(2**52 // terms)
        while product <= 2 * bound:
            p = sympy.prevprime(p)
            product *= p
            X = (self.blocks % p).astype(np.float64)
            products = (X.reshape(-1, N) @ X.transpose(1, 0, 2).reshape(N, -1)).reshape(d, N, d, N)
            brackets = _residues(products[first, :, second] - products[second, :, first], p)
            modulo = [{j: v % p for j, v in row.items()} for row in self.equations]
            E = _sparse(modulo, N * (N - 1))
            rest = _residues(E @ brackets[:, : N - 1].reshape(len(first), -1).T, p)
            if np.any(rest):
                return int(rest[rest != 0][0])
        return 0

    def counterexample(self, seed: int) -> Mapping[str, Any] | None:
        """Return where the loss changes along a generator, or how many there are more.

        By differences of the loss's own values at exact numbers, and by the number of solutions
        at random points modulo a prime; neither uses the ring or the null space.
        """
        problem, random = self.problem, Random(seed)
        for i in range(POINTS):
            draw = Draw(random, "sparse" if i % 2 else GENERIC)
            point = {s: draw.one(draw.point) for s in (*problem.symbols, *problem.data)}
            w = np.array([point[s] for s in problem.symbols] + [number(1)], dtype=object)
            # one combination of all generators; which of them it is matters where it fails
            weights = [random.randint(1, 10**6) for _ in self.blocks]
            together = sum(c * block for c, block in zip(weights, self.blocks, strict=True))
            if not len(self.blocks) or self._moved(point, w, together) is None:
                continue
            for k, block in enumerate(self.blocks):
                change = self._moved(point, w, block)
                if change is not None:
                    at = [v.value for v in w[:-1]]
                    return {"generator": k, "change": change.value, "parameters": at}
        return self._others(seed)

    def _moved(self, point: Mapping[Any, Number], w: np.ndarray, block: Any) -> Any:
        """Return by how much a value changes along a vector field, ``None`` if by nothing."""
        velocity = (block.astype(object) @ w)[:-1]
        allowed = 1e-15 * (1 + max(map(abs, velocity)))
        found = (c for c in self._changes(point, velocity) if abs(c) > allowed)
        return next(found, None)

    def _changes(self, point: Mapping[Any, Number], velocity: np.ndarray) -> list[Any]:
        """Return the derivatives of the values along a velocity, by central differences."""
        ends = []
        for sign in (1, -1):
            moved = {
                s: point[s] + sign * number(EXACT_STEP) * v
                for s, v in zip(self.problem.symbols, velocity, strict=True)
            }
            ends.append(self.problem.numbers({**point, **moved}))
        return [
            (number(a) - number(b)) / (2 * number(EXACT_STEP)) for a, b in zip(*ends, strict=True)
        ]

    def _others(self, seed: int) -> Mapping[str, Any] | None:
        """Return how many more vector fields there are, or ``None`` if there is no more."""
        for attempt in range(3):  # a prime may divide what it should not
            found = solutions_modulo(self.problem, seed + attempt)
            if found == len(self.rows):
                return None
        return {"generators": len(self.rows), "generators modulo a prime": found}
