"""Block sweeps: the norm minimised exactly over one hidden index at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..groups import GeneralLinear
from ..groups._hidden import gram
from ._factors import Chain
from ._landscape import LinearNorm

__all__ = ["balance_matrices", "balance_scales", "imbalance"]

SWEEPS = 30
SINGULAR = 1e-15  # relative pivot below which a block is left to Newton's method
FAR = 0.5  # from its inverse, beyond which improving it would diverge


def imbalance(field: LinearNorm) -> float:
    """Return the largest log-scale that one unit would need to be balanced by itself."""
    group = field.group
    totals = {True: np.zeros(group.dim), False: np.zeros(group.dim)}
    slots = group.slots  # type: ignore[attr-defined]
    starts = np.cumsum([0, *slots.sizes])
    for i, name, axis, written in slots:
        own = slice(int(starts[i]), int(starts[i + 1]))
        totals[written][own] += gram(field.vector[name], field.vector[name], axis, diagonal=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(totals[True] / totals[False]) / 4
    live = (totals[True] > 0) & (totals[False] > 0)
    return float(np.max(np.abs(logs[live]), initial=0.0))


def balance_scales(field: LinearNorm, sweeps: int = 20) -> np.ndarray:
    """Osborne's sweeps in log space: exact minimisation over one index at a time.

    They bring scales that are apart by many orders of magnitude to where
    Newton's method works, with no square that could overflow.
    """
    group = field.group
    slots = group.slots  # type: ignore[attr-defined]
    starts = np.cumsum([0, *slots.sizes])
    with np.errstate(divide="ignore"):
        logs = {name: 2 * np.log(np.abs(a)) for name, a in field.vector.items()}
    y = np.zeros(group.dim)  # logarithms of the squared scales
    sign = -1.0 if field.dual else 1.0
    order = range(len(slots.sizes))
    for sweep in range(sweeps):
        before = y.copy()
        # forth and back: along a chain one sweep carries scales from end to end
        for i in order if sweep % 2 == 0 else reversed(order):
            up = np.full(slots.sizes[i], -np.inf)
            down = up.copy()
            for j, name, axis, written in slots:
                if j != i:
                    continue
                total = logs[name]
                for k, other, other_axis, other_written in slots:
                    if other == name and k != i:
                        shape = [1] * total.ndim
                        shape[other_axis] = -1
                        way = sign if other_written else -sign
                        total = total + way * y[starts[k] : starts[k + 1]].reshape(shape)
                rest = tuple(a for a in range(total.ndim) if a != axis)
                part = np.logaddexp.reduce(total, axis=rest) if rest else total
                if (sign > 0) == written:
                    up = np.logaddexp(up, part)
                else:
                    down = np.logaddexp(down, part)
            live = np.isfinite(up) & np.isfinite(down)
            y[starts[i] : starts[i + 1]][live] = (down[live] - up[live]) / 2
        if np.max(np.abs(y - before)) < 1e-2:
            break
    return np.exp(np.clip(y / 2, -600, 600))


def balance_matrices(
    field: LinearNorm, tol: float, chain: Chain | None, bears: Callable[[Any], bool]
) -> Any:
    """Return the GL element that closed-form sweeps over the indices reach.

    A chain of layers starts from the balanced factorisation of its product.
    Sweeps end once the residual is below ``tol`` or falls slowly, where
    Newton's method is quicker, or where the next element is not one that rounding ``bears``.
    """
    group = field.group
    if not isinstance(group, GeneralLinear):
        raise TypeError(f"expected GeneralLinear, got {type(group).__name__}")
    g = None if chain is None else _balanced_chain(field, group, chain)
    g = None if g is None else _refined(g)
    if g is not None:
        better = bears(g) and field.relative(g)[0] < field.relative(group.identity())[0]
        g = g if better else None
    g = group.identity() if g is None else g
    value, slope = field.relative(g)
    for _ in range(SWEEPS):
        residual = float(np.linalg.norm(slope)) / 2
        if residual <= tol:
            break
        ahead = g
        for i in range(len(group.indices)):
            step = _balanced_index(field, group, ahead, i)
            if step is not None:
                ahead = group.compose(step, ahead)
        ahead = _refined(ahead)
        new_value, new_slope = field.relative(ahead)
        if not new_value <= value + 1e-13 or not bears(ahead):
            break
        slow = float(np.linalg.norm(new_slope)) > 0.7 * float(np.linalg.norm(slope))
        g, value, slope = ahead, new_value, new_slope
        if slow:
            break
    return g


def _refined(g: Any) -> Any:
    """Return the pairs (g, inverse) with their inverses improved by Newton-Schulz steps."""
    pairs = []
    for a, inverse in g:
        one = np.eye(len(a))
        for _ in range(2):
            rest = one - a @ inverse
            if not np.linalg.norm(rest) < FAR:
                break
            inverse = inverse + inverse @ rest
        pairs.append((a, inverse))
    return tuple(pairs)


def _balanced_index(field: LinearNorm, group: GeneralLinear, g: Any, i: int) -> Any:
    """Return the element that balances index ``i`` alone, in closed form.

    With W the written and R the read side, unfolded along the index, ``h W``
    and ``h^-T R`` have equal Gram matrices for ``h = sqrt(S) V^T Lw^-1``, where
    ``W = Lw Qw``, ``R = Lr Qr`` and ``Lr^T Lw = U S V^T``: the geometric mean in
    factored form. ``None`` where a side is singular.
    """
    v = field.move(g)
    index = group.indices[i]
    sides = []
    for pairs in (index.written, index.read):
        blocks = [np.moveaxis(v[name], axis, 0).reshape(index.size, -1) for name, axis in pairs]
        if not blocks:
            return None
        wide = np.concatenate(blocks, axis=1)
        if wide.shape[1] < index.size:
            return None
        triangle = np.asarray(np.linalg.qr(wide.T, mode="r")).T
        pivots = np.abs(np.diagonal(triangle))
        if not pivots.min() > SINGULAR * pivots.max():
            return None
        sides.append(triangle)
    Lw, Lr = sides
    _, S, Vt = np.linalg.svd(Lr.T @ Lw)
    if not S[-1] > 0:
        return None
    inverse = (Lw @ Vt.T) / np.sqrt(S)
    h = _inverse(inverse)
    return None if h is None else _element(field, group, {i: (h, inverse)})


def _inverse(matrix: np.ndarray) -> np.ndarray | None:
    """Return the inverse, ``None`` of a matrix that is singular to rounding."""
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    return inverse if np.all(np.isfinite(inverse)) else None


def _element(field: LinearNorm, group: GeneralLinear, pairs: dict[int, Any]) -> Any:
    """Return the group element whose action on ``field.vector`` is by ``h`` on written axes."""
    element = []
    for k, unit in enumerate(group.identity()):
        if k not in pairs:
            element.append(unit)
            continue
        h, inverse = _oriented(*pairs[k])
        # gradients move by g^-T where parameters move by g
        element.append((inverse.T, h.T) if field.dual else (h, inverse))
    return tuple(element)


def _oriented(h: np.ndarray, inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flip a row if needed, so that the determinant is positive: the norm does not change."""
    if np.linalg.slogdet(h)[0] < 0:
        h, inverse = h.copy(), inverse.copy()
        h[0], inverse[:, 0] = -h[0], -inverse[:, 0]
    return h, inverse


def _balanced_chain(field: LinearNorm, group: GeneralLinear, chain: Chain) -> Any:
    """Return the element that balances a chain of matrices with one rank, in closed form.

    The group moves the factors of ``P = M_L ... M_1`` through all
    factorisations; ``M_m = Q_m S^(1/L) Q_(m-1)^T`` with ``P = U S V^T`` are the
    least. ``None`` if the indices differ in size, or P has a lower rank.
    """
    order, matrices = chain.order, chain.factors
    L = len(matrices)
    k = group.indices[order[0]].size
    if len({group.indices[i].size for i in order}) > 1:
        return None
    product = np.linalg.multi_dot(matrices[::-1])
    U, S, Vt = np.linalg.svd(product, full_matrices=False)
    if len(S) < k or not S[k - 1] > 0:
        return None
    U, S, Vt = U[:, :k], S[:k], Vt[:k]
    pairs = {}
    for m, i in enumerate(order, start=1):
        if m <= L / 2:  # from the side that fewer factors multiply up
            left = np.linalg.multi_dot(matrices[:m][::-1]) if m > 1 else matrices[0]
            inverse = (left @ Vt.T) / S ** (m / L)
            h = _inverse(inverse)
        else:
            rest = matrices[m:]
            right = np.linalg.multi_dot(rest[::-1]) if len(rest) > 1 else rest[0]
            h = (U.T @ right) / (S ** ((L - m) / L))[:, None]
            inverse = _inverse(h)
        if h is None or inverse is None:
            return None
        pairs[i] = (h, inverse)
    return _element(field, group, pairs)
