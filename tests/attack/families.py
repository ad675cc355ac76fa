"""Groups with the polynomials that they leave unchanged, written down apart from their code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

import liegroup_teleport as lt
from tests.attack import names
from tests.attack.polynomials import Polynomial, places

groups = lt.groups


@dataclass(frozen=True)
class Family:
    """A group, and what is known of it by hand.

    ``fields`` are the vector fields of its algebra on the entries of the parameters, and
    ``invariants`` polynomials that do not change along them. ``symmetric`` says whether every
    field is linear with a symmetric matrix or constant, so that gradient flow conserves something.
    """

    label: str
    group: Any
    shapes: dict[str, tuple[int, ...]]
    fields: list[list[Polynomial]]
    invariants: list[Polynomial]
    symmetric: bool = False
    degree: int = 2

    @property
    def n(self) -> int:
        return len(places(self.shapes))

    def entry(self, i: int) -> Polynomial:
        return Polynomial.entry(self.n, i)


def _zeros(n: int) -> list[Polynomial]:
    return [Polynomial(n, {}) for _ in range(n)]


def _linear(matrix: np.ndarray) -> list[Polynomial]:
    """Return the field ``w -> M w``."""
    n = len(matrix)
    field = _zeros(n)
    for i, j in zip(*np.nonzero(matrix), strict=True):
        field[i] = field[i] + Polynomial.entry(n, int(j)) * Fraction(matrix[i, j])
    return field


class _Arrays:
    """Polynomials of single entries, by name and place."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        order = places(shapes)
        self.n = len(order)
        self.number = {place: i for i, place in enumerate(order)}

    def __call__(self, name: str, *place: int) -> Polynomial:
        return Polynomial.entry(self.n, self.number[name, place])

    def field(self, *moves: tuple[str, tuple[int, ...], Polynomial]) -> list[Polynomial]:
        field = _zeros(self.n)
        for name, place, velocity in moves:
            i = self.number[name, place]
            field[i] = field[i] + velocity
        return field


def _hidden(rng: np.random.Generator, kind: str) -> Family:
    """Rescalings, GL or rotations of one hidden index between two matrices."""
    A, B = names.draw(rng, 2)
    k = 2 if kind != "PositiveRescaling" else int(rng.integers(1, 3))
    p, q = (int(m) for m in rng.integers(1, 3, size=2))
    shapes = {A: (k, p), B: (q, k)}
    w = _Arrays(shapes)
    index = groups.HiddenIndex(k, written=[(A, 0)], read=[(B, 1)])
    group = getattr(groups, kind)([index])

    def unit(a: int, b: int) -> list[Polynomial]:
        """The field of the matrix unit E_ab: rows of A, and columns of B with the transpose."""
        written = [(A, (a, j), w(A, b, j)) for j in range(p)]
        read = [(B, (i, b), w(B, i, a) * -1) for i in range(q)]
        return w.field(*written, *read)

    if kind == "PositiveRescaling":
        fields = [unit(a, a) for a in range(k)]
        invariants = [w(B, i, a) * w(A, a, j) for a in range(k) for i in range(q) for j in range(p)]
    elif kind == "GeneralLinear":
        fields = [unit(a, b) for a, b in product(range(k), repeat=2)]
        invariants = [
            sum((w(B, i, a) * w(A, a, j) for a in range(k)), Polynomial(w.n, {}))
            for i in range(q)
            for j in range(p)
        ]
    else:
        fields = [
            [s - t for s, t in zip(unit(a, b), unit(b, a), strict=True)]
            for a in range(k)
            for b in range(a)
        ]
        columns = [[w(A, a, j) for a in range(k)] for j in range(p)]
        columns += [[w(B, i, a) for a in range(k)] for i in range(q)]
        invariants = [
            sum((x * y for x, y in zip(u, v, strict=True)), Polynomial(w.n, {}))
            for m, u in enumerate(columns)
            for v in columns[: m + 1]
        ]
    return Family(kind, group, shapes, fields, invariants, symmetric=kind != "Orthogonal")


def rescaling(rng: np.random.Generator) -> Family:
    return _hidden(rng, "PositiveRescaling")


def general_linear(rng: np.random.Generator) -> Family:
    return _hidden(rng, "GeneralLinear")


def orthogonal(rng: np.random.Generator) -> Family:
    return _hidden(rng, "Orthogonal")


def translation(rng: np.random.Generator) -> Family:
    """Along one direction of whole numbers, whose length is mostly no rational number."""
    n = int(rng.integers(2, 4))
    name = names.draw(rng, 1)[0]
    shapes = {name: (n,)}
    w = _Arrays(shapes)
    c = rng.integers(-3, 4, size=n)
    c[rng.integers(n)] = rng.integers(1, 4)
    group = groups.Translation([{name: c.astype(np.float64)}])
    field = [Polynomial.constant(n, int(entry)) for entry in c]
    invariants = [
        w(name, i) * int(c[j]) - w(name, j) * int(c[i]) for i in range(n) for j in range(i)
    ]
    invariants = [p for p in invariants if p.terms]
    return Family("Translation", group, shapes, [field], invariants, symmetric=True)


def _matrix_group(
    label: str,
    rng: np.random.Generator,
    matrices: list[np.ndarray],
    invariants: Callable[[list[Polynomial]], list[Polynomial]],
    *,
    symmetric: bool = False,
    degree: int = 2,
) -> Family:
    n = len(matrices[0])
    shapes = {names.draw(rng, 1)[0]: (n,)}
    group = groups.MatrixGroup(np.array(matrices, dtype=np.float64), shapes)
    x = [Polynomial.entry(n, i) for i in range(n)]
    fields = [_linear(M) for M in matrices]
    return Family(label, group, shapes, fields, invariants(x), symmetric, degree)


def _skew(n: int, i: int, j: int, signs: np.ndarray) -> np.ndarray:
    """The generator of so(p, q) that mixes entries i and j."""
    M = np.zeros((n, n))
    M[i, j], M[j, i] = 1.0, -1.0 * signs[i] * signs[j]
    return M


def metric(rng: np.random.Generator) -> Family:
    """Rotations and boosts: so(3), so(2, 1), so(2), so(1, 1)."""
    n = int(rng.integers(2, 4))
    signs = np.ones(n)
    signs[0] = rng.choice([1.0, -1.0])
    matrices = [_skew(n, i, j, signs) for i in range(n) for j in range(i)]
    return _matrix_group(
        "MatrixGroup so(p, q)",
        rng,
        matrices,
        lambda x: [sum((x[i] * x[i] * int(signs[i]) for i in range(n)), Polynomial(n, {}))],
    )


def circle(rng: np.random.Generator) -> Family:
    """One generator that turns two planes at whole speeds."""
    speeds = [int(s) for s in rng.integers(1, 3, size=2)]
    M = np.zeros((4, 4))
    for plane, speed in enumerate(speeds):
        M[2 * plane, 2 * plane + 1], M[2 * plane + 1, 2 * plane] = -speed, speed

    def invariants(x: list[Polynomial]) -> list[Polynomial]:
        found = [x[0] * x[0] + x[1] * x[1], x[2] * x[2] + x[3] * x[3]]
        if speeds[0] == speeds[1]:
            found += [x[0] * x[2] + x[1] * x[3], x[0] * x[3] - x[1] * x[2]]
        if speeds == [1, 2]:
            found.append((x[0] * x[0] - x[1] * x[1]) * x[2] + x[0] * x[1] * x[3] * 2)
        return found

    return _matrix_group("MatrixGroup circle", rng, [M], invariants)


def shear(rng: np.random.Generator) -> Family:
    """A nilpotent generator, whose orbits are lines that do not close."""
    M = np.zeros((3, 3))
    M[0, 1], M[1, 2] = 1.0, 1.0
    return _matrix_group(
        "MatrixGroup shear", rng, [M], lambda x: [x[2], x[1] * x[1] - x[0] * x[2] * 2]
    )


def special_linear(rng: np.random.Generator) -> Family:
    """SL(2) from the left on 2 x 2 matrices: the determinant stays."""
    units = [
        np.array(m, dtype=float) for m in ([[1, 0], [0, -1]], [[0, 1], [0, 0]], [[0, 0], [1, 0]])
    ]
    return _matrix_group(
        "MatrixGroup sl(2)",
        rng,
        [np.kron(m, np.eye(2)) for m in units],
        lambda x: [x[0] * x[3] - x[1] * x[2]],
    )


def _weights(rng: np.random.Generator) -> tuple[list[int], Callable[[list[Any]], list[Any]]]:
    a, b = (int(m) for m in rng.integers(1, 4, size=2))
    return [a, -b, 0], lambda x: [_power(x[0], b) * _power(x[1], a), x[2]]


def _power(p: Polynomial, e: int) -> Polynomial:
    result = Polynomial.constant(p.n, 1)
    for _ in range(e):
        result = result * p
    return result


def torus(rng: np.random.Generator) -> Family:
    weights, invariants = _weights(rng)
    return _matrix_group(
        "MatrixGroup diagonal", rng, [np.diag(weights)], invariants, symmetric=True, degree=1
    )


def diagonal(rng: np.random.Generator) -> Family:
    weights, invariants = _weights(rng)
    shapes = {names.draw(rng, 1)[0]: (3,)}
    group = groups.DiagonalGroup(np.array([weights], dtype=np.float64), shapes)
    x = [Polynomial.entry(3, i) for i in range(3)]
    fields = [_linear(np.diag(weights))]
    return Family("DiagonalGroup", group, shapes, fields, invariants(x), True, 1)


def _widened(p: Polynomial, before: int, after: int) -> Polynomial:
    terms = {(0,) * before + e + (0,) * after: c for e, c in p.terms.items()}
    return Polynomial(before + p.n + after, terms)


def pair(rng: np.random.Generator) -> Family:
    """The direct product of two groups on different parameters."""
    while True:
        first, second = (FACTORS[i](rng) for i in rng.integers(len(FACTORS), size=2))
        if not set(first.shapes) & set(second.shapes):
            break
    a, b = first.n, second.n
    fields = [[_widened(p, 0, b) for p in f] + _zeros(a + b)[a:] for f in first.fields]
    fields += [_zeros(a + b)[:a] + [_widened(p, a, 0) for p in f] for f in second.fields]
    return Family(
        f"{first.label} x {second.label}",
        groups.DirectProduct([first.group, second.group]),
        {**first.shapes, **second.shapes},
        fields,
        [_widened(p, 0, b) for p in first.invariants]
        + [_widened(p, a, 0) for p in second.invariants],
        first.symmetric and second.symmetric,
        1,
    )


FACTORS = (rescaling, general_linear, orthogonal, translation)
FAMILIES = (
    *FACTORS,
    metric,
    circle,
    shear,
    special_linear,
    torus,
    diagonal,
    pair,
)
