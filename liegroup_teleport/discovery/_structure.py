"""The structure of a Lie algebra, from its structure constants.

Centre, derived algebra and radical are null spaces (the radical by Cartan's
criterion: orthogonal to the derived algebra in the Killing form); what is left is
semisimple and falls into simple ideals, each the ideal of one of its root vectors. A
simple ideal is named by its dimension, its rank and the signature of its Killing
form (Knapp, *Lie groups beyond an introduction*, 2002).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import scipy.linalg

__all__ = ["describe"]


def describe(c: np.ndarray, tol: float = 1e-7) -> str:
    """Name the algebra with structure constants ``c`` (d, d, d).

    Direct sums of sl(n), gl(n), so(p, q), su(n) and abelian algebras get their
    names, others their dimension and the parts of their Levi decomposition.
    """
    d = len(c)
    c = c / max(1.0, float(np.max(np.abs(c), initial=0.0)))
    center = _null(c.transpose(1, 2, 0).reshape(d * d, d), tol)
    if len(center) == d:
        return f"abelian, R^{d}"
    killing = np.einsum("ikl,jlk->ij", c, c)
    derived = _row_space(c.reshape(d * d, d), tol)
    radical = _null(derived @ killing, tol)
    if len(radical) == d:
        kind = "nilpotent" if _is_nilpotent(c, tol) else "solvable"
        return f"dimension {d}, not identified: {kind}"
    names = [_name(ideal) for ideal in _simple_ideals(_quotient(c, radical), tol)]
    if len(radical) > len(center):
        return (
            f"dimension {d}, not identified: Levi factor {_join(names)}, "
            f"radical of dimension {len(radical)}"
        )
    return _join(_with_center(names, len(center)))


def _with_center(names: list[str], center: int) -> list[str]:
    """Put one dimension of the centre to each sl(n): gl(n) = sl(n) + R."""
    for i, name in enumerate(names):
        if center and name.startswith("sl("):
            names[i] = "g" + name[1:]
            center -= 1
    return names + [f"R^{center}" if center > 1 else "R"] * bool(center)


def _join(names: list[str]) -> str:
    return " ⊕ ".join(
        name
        for name, count in sorted(
            Counter(names).items(), key=lambda item: (item[0][0] == "R", item)
        )
        for _ in range(count)
    )


def _row_space(rows: np.ndarray, tol: float) -> np.ndarray:
    """Return an orthonormal basis of the span of the rows."""
    _, values, Vh = np.linalg.svd(rows, full_matrices=False)
    top = float(values[0]) if values.size else 0.0
    return Vh[: int(np.sum(values > tol * top))] if top > tol else Vh[:0]


def _null(rows: np.ndarray, tol: float) -> np.ndarray:
    """Return an orthonormal basis of the vectors that all rows annihilate."""
    k = rows.shape[1]
    if not rows.size:
        return np.eye(k)
    _, values, Vh = np.linalg.svd(scipy.linalg.qr(rows, mode="r")[0][:k], full_matrices=True)
    top = float(values[0])
    return Vh[int(np.sum(values > tol * top)) :] if top > tol else np.eye(k)


def _is_nilpotent(c: np.ndarray, tol: float) -> bool:
    """Whether brackets with everything, taken again and again, end at zero."""
    d = len(c)
    ideal = np.eye(d)
    while len(ideal):
        smaller = _row_space(np.einsum("ai,ijk->ajk", ideal, c).reshape(-1, d), tol)
        if len(smaller) == len(ideal):
            return False
        ideal = smaller
    return True


def _quotient(c: np.ndarray, radical: np.ndarray) -> np.ndarray:
    """Return the structure constants of the algebra modulo its radical."""
    Q = _null(radical, 1e-9) if len(radical) else np.eye(len(c))
    return np.einsum("ai,bj,ijk,ck->abc", Q, Q, c, Q, optimize=True)


@dataclass(frozen=True)
class _Ideal:
    """A simple ideal over the reals: dimension, rank, Killing signature (p, q)."""

    dim: int
    rank: int
    positive: int
    negative: int
    complex: bool


def _simple_ideals(c: np.ndarray, tol: float) -> list[_Ideal]:
    """Split a semisimple algebra; c are its structure constants."""
    d = len(c)
    killing = np.einsum("ikl,jlk->ij", c, c)
    x = np.random.default_rng(0).standard_normal(d)
    # ad x as a matrix on coordinate columns; a generic x is regular
    roots, vectors = np.linalg.eig(np.einsum("i,ijk->kj", x, c))
    moving = np.abs(roots) > 1e-6 * np.max(np.abs(roots))
    found: list[_Ideal] = []
    taken = np.zeros((0, d), dtype=complex)
    for k in np.flatnonzero(moving):
        v = vectors[:, k]
        if np.linalg.norm(v - taken.T @ (taken.conj() @ v)) < 0.5:
            continue  # belongs to an ideal that is known already
        ideal = _generated(c, v, tol)
        real = np.vstack([ideal.real, ideal.imag])
        span = _row_space(real, 1e-6)
        signature = np.linalg.eigvalsh(span @ killing @ span.T)
        restricted = np.einsum("ai,bj,ijk,ck->abc", span, span, c, span, optimize=True)
        values = np.linalg.eigvals(np.einsum("i,ijk->kj", span @ x, restricted))
        found.append(
            _Ideal(
                dim=len(span),
                rank=int(np.sum(np.abs(values) <= 1e-6 * np.max(np.abs(values)))),
                positive=int(np.sum(signature > 0)),
                negative=int(np.sum(signature < 0)),
                complex=len(span) == 2 * len(ideal),
            )
        )
        taken = _complex_span(np.vstack([taken, span.astype(complex)]))
    return found


def _generated(c: np.ndarray, v: np.ndarray, tol: float) -> np.ndarray:
    """Return an orthonormal basis of the complex ideal that ``v`` generates."""
    ideal = _complex_span(v[None, :])
    while True:
        brackets = np.einsum("ijk,aj->iak", c, ideal).reshape(-1, len(c))
        larger = _complex_span(np.vstack([ideal, brackets]))
        if len(larger) == len(ideal):
            return ideal
        ideal = larger


def _complex_span(rows: np.ndarray) -> np.ndarray:
    _, values, Vh = np.linalg.svd(rows, full_matrices=False)
    basis: np.ndarray = Vh[: int(np.sum(values > 1e-6 * values[0]))]
    return basis


def _name(ideal: _Ideal) -> str:
    """Name a simple real algebra by dimension, rank and signature, if these are enough."""
    d, r, p, q = ideal.dim, ideal.rank, ideal.positive, ideal.negative
    unknown = f"(simple of dimension {d}, rank {r}, Killing signature ({p}, {q}))"
    if ideal.complex:
        return "so(3,1)" if d == 6 else unknown
    if (d, p) == (3, 0):
        return "so(3)"
    if d == r * (r + 2):
        if p - q == r:
            return f"sl({r + 1})"
        if p == 0:
            return "so(6)" if r == 3 else f"su({r + 1})"
    for n in (2 * r, 2 * r + 1):  # so(n); from rank 3 on odd n could be symplectic as well
        if d == n * (n - 1) // 2 and (n % 2 == 0 or r < 3):
            for a in range(n // 2 + 1):
                if p == a * (n - a):
                    return f"so({n - a},{a})" if a else f"so({n})"
    return unknown
