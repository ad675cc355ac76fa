"""Proofs that a least norm on an orbit exists, or that the orbit leads to zero.

Both are about one vector v under a linear action. They are sufficient, not necessary: ``None``
or ``False`` says that nothing was proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters, host, norm
from ..groups import DirectProduct, MatrixGroup, MatrixRepresentation, SymmetryGroup
from ..groups._rational import fractions, solve
from ._landscape import LinearNorm

__all__ = ["exactly_self_adjoint", "is_ours", "leads_to_zero", "least_logarithm"]

ENTRIES = 4_000  # generators times entries of the vector: each takes one product
ROUNDING = 1e4  # of the path to v, in units of eps times the stretch; generous
CLEAR = 1e-7  # smaller second derivatives are not told from zero
CLAIM = 1e-9  # relative error within which what a group says of itself is taken as true
EXACT = 64  # entries or generators beyond which rational arithmetic takes long


def is_ours(group: SymmetryGroup) -> bool:
    """Whether a group, and all its factors, are exactly of classes of this library.

    What others, subclasses included, say of themselves is looked at before a proof rests on it.
    """
    if type(group) is DirectProduct:
        return all(is_ours(factor) for factor in group.groups)
    return type(group).__module__.startswith(f"{__package__.split('.')[0]}.groups.")


def exactly_self_adjoint(field: LinearNorm) -> bool:
    """Whether the algebra is closed under transposes with no rounding: norms are then convex.

    Of a group of the user's it is tested to rounding, and that the action is linear.
    """
    if not is_ours(field.group):
        return field.group.self_adjoint and _keeps_its_word(field)
    return _known_to_be(field.group)


def _known_to_be(group: SymmetryGroup) -> bool:
    if isinstance(group, DirectProduct):
        return all(_known_to_be(factor) for factor in group.groups)
    exact = getattr(group, "exactly_self_adjoint", None)
    return group.self_adjoint if exact is None else bool(exact)


def _keeps_its_word(field: LinearNorm) -> bool:
    """Whether generators span their transposes as matrices, and elements are exponentials."""
    R = _representation(field)
    if R is None or not len(R):
        return False
    flat, turned = R.reshape(len(R), -1), R.transpose(0, 2, 1).reshape(len(R), -1)
    T = np.linalg.lstsq(flat.T, turned.T, rcond=1e-10)[0]
    if np.linalg.norm(flat.T @ T - turned.T) > CLAIM * np.linalg.norm(flat):
        return False
    rng = np.random.default_rng(0)
    for _ in range(2):
        x = rng.standard_normal(len(R))
        x /= 2 * max(1.0, float(np.linalg.norm(x)))
        u = {name: rng.standard_normal(a.shape) for name, a in field.vector.items()}
        g = field.group.exp(x)
        moved = field.group.act_cotangent(g, u, u) if field.dual else field.group.act(g, u)
        expected = scipy.linalg.expm(np.tensordot(x, R, 1)) @ _flat(u)
        if np.linalg.norm(_flat(moved) - expected) > CLAIM * np.linalg.norm(expected):
            return False
    return True


def least_logarithm(field: LinearNorm, g: Any, stretch: float, eps: float) -> float | None:
    """Return a lower bound on ``log ||v||^2`` over the orbit if its minimum is proved to exist.

    Along ``exp(tX)`` with X symmetric ``f(t) = log ||exp(tX) v||^2`` has
    ``f' = 2 E[lambda]``, ``f'' = 4 Var[lambda]`` and ``|f'''| <= M f''`` with
    ``M = 2 (lambda_max - lambda_min)``. With s the norm of the slope, h the least second
    derivative and M the largest spread over unit X, ``s M < h`` proves that the minimum is
    attained within ``t* = -log(1 - s M / h) / M``, not below ``f(0) - s t*``. X runs over the
    symmetric part of the algebra without the ideal that moves nothing on the orbit (Mostow's
    decomposition); that ideal is read off exact zeros. Any other direction that leaves v alone
    makes h vanish, and nothing is proved.

    Parameters
    ----------
    field : LinearNorm
        Of a group whose algebra is exactly closed under transposes.
    g : group element
        Where v is nearly shortest.
    stretch : float
        Largest factor by which rounding on the way there may have grown.
    eps : float
        Machine epsilon of the computation.

    Returns
    -------
    float or None

    References
    ----------
    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.

    [Mos55] Mostow, *Some new decomposition theorems for semi-simple groups*, 1955.
    """
    R = _representation(field)
    if R is None:
        return None
    start, v = _flat(field.vector), _flat(field.move(g))
    length = float(np.linalg.norm(v))
    if not 0 < length < np.inf:
        return None
    reached = _reached(R, start)
    X = _symmetric(R[:, reached][:, :, reached])
    if X is None:
        return None
    error = ROUNDING * eps * stretch / min(length, 1.0)
    if not len(X):  # all elements are rotations where it matters
        return float(2 * np.log(length) - 2 * error)
    moved = X @ (v[reached] / length)
    slope = 2 * moved @ v[reached] / length
    hessian = 4 * moved @ moved.T - np.outer(slope, slope)
    spread = float(np.linalg.norm(X.reshape(len(X), -1), 2))
    s = float(np.linalg.norm(slope)) + 4 * spread * error
    h = float(np.linalg.eigvalsh(hessian)[0]) - 16 * spread**2 * error
    M = 4 * spread
    if not (h > CLEAR * spread**2 and s * M < h):
        return None
    farthest = -np.log1p(-s * M / h) / M
    return float(2 * np.log(length) - s * farthest - 2 * error)


def _flat(v: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in v.values()])


def _representation(field: LinearNorm) -> np.ndarray | None:
    """Return the generators as matrices on the vector, (dim, n, n), ``None`` if large."""
    group, vector = field.group, field.vector
    n = sum(a.size for a in vector.values())
    if group.dim * n > ENTRIES or group.dim * n * n > 50 * ENTRIES:
        return None
    R = np.zeros((group.dim, n, n))
    ends = np.cumsum([0, *(a.size for a in vector.values())])
    for j in range(n):
        one = np.zeros(n)
        one[j] = 1.0
        unit = {
            name: one[ends[k] : ends[k + 1]].reshape(a.shape)
            for k, (name, a) in enumerate(vector.items())
        }
        for i in range(group.dim):
            R[i, :, j] = _flat(group.generator(np.eye(group.dim)[i], unit))
    return -R.transpose(0, 2, 1) if field.dual else R


def _reached(R: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the entries that can differ from zero somewhere on the orbit of v, (n,) bool."""
    reached = v != 0
    couples = np.any(R != 0, axis=0)
    while True:
        more = reached | np.any(couples[:, reached], axis=1)
        if np.array_equal(more, reached):
            return more
        reached = more


def _symmetric(R: np.ndarray) -> np.ndarray | None:
    """Return symmetric matrices that span the algebra's symmetric part, (p, n, n).

    They belong to orthonormal coordinates. Matrices that are exactly zero are left out: they move
    nothing. ``None`` if the others are dependent, or transposes leave their span. Transposing is
    an involution: its eigenvalues are 1 and -1, far apart.
    """
    R = R[np.any(R != 0, axis=(1, 2))]
    if not len(R):
        return R
    flat = R.reshape(len(R), -1)
    values = np.linalg.svd(flat, compute_uv=False)
    if len(R) > flat.shape[1] or not values[-1] > 1e-6 * values[0]:
        return None
    turned = R.transpose(0, 2, 1).reshape(len(R), -1)
    T = np.linalg.lstsq(flat.T, turned.T, rcond=None)[0]
    if np.linalg.norm(flat.T @ T - turned.T) > 1e-9 * values[0]:
        return None
    if np.linalg.norm(T @ T - np.eye(len(T))) > 1e-6:
        return None
    U, values, _ = np.linalg.svd((np.eye(len(T)) + T) / 2)
    U = U[:, values > 0.25]
    X = np.tensordot(U.T, R, 1)
    return (X + X.transpose(0, 2, 1)) / 2


def leads_to_zero(group: SymmetryGroup, vector: Parameters, dual: bool) -> bool:
    """Whether a generator X with ``X v = -v`` was found, in rational arithmetic.

    Then ``exp(tX) v = e^-t v``: the orbit comes arbitrarily near zero, and zero, which is an orbit
    of its own, is not on it. So it is for every vector in the null cone of an action with finitely
    many orbits there, such as null vectors of a quadratic form, matrices of lower rank, and
    nilpotent matrices under conjugation.

    Parameters
    ----------
    group : SymmetryGroup
        Groups that know their generators exactly; ``False`` for others.
    vector : dict of str to array
        The vector, taken as exact; not all zeros.
    dual : bool
        Whether it moves as a gradient.
    """
    if not isinstance(group, MatrixGroup | MatrixRepresentation) or not is_ours(group):
        return False
    X = group.exact_generators
    if X is None or not len(X) or max(len(X), X.shape[-1]) > EXACT or not norm(vector) > 0:
        return False
    if any(np.any(host(vector[name])) for name in vector if name not in group.shapes):
        return False  # something that never moves keeps the norm away from zero
    v = np.concatenate([host(vector[n]).reshape(_length(group, n), -1) for n in group.shapes])
    if dual:
        X = -X.transpose(0, 2, 1)
    moved = (X @ v).reshape(len(X), -1).T
    right = -v.reshape(-1)
    nearest = np.linalg.lstsq(moved, right, rcond=None)[0]
    if np.linalg.norm(moved @ nearest - right) > 1e-9 * np.linalg.norm(right):
        return False  # far from solvable: exact arithmetic is not needed to see that
    exact = np.stack([(fractions(Y) @ fractions(v)).reshape(-1) for Y in X], axis=1)
    return solve(exact, fractions(right)) is not None


def _length(group: MatrixGroup | MatrixRepresentation, name: str) -> int:
    return int(np.prod([k or 1 for k in group.shapes[name]], dtype=int))
