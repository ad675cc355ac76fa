"""The laws of a group and of its action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given, reject

from .._arrays import Parameters, axpy, inner, norm
from .._checks import check_dtype, check_instance, check_integer, check_mapping
from .._errors import DomainError
from ..groups import DirectProduct, SymmetryGroup
from ._compare import (
    assert_close,
    assert_derivative,
    check,
    check_unchanged,
    copied,
    search,
    tolerance,
    widened,
)
from ._elements import GROUP_TOL, Drawn, same
from ._metric import Metric
from .strategies import SEEDS, lengths, random_parameters, random_vector

__all__ = ["assert_group_laws"]

SAMPLED = 12


def assert_group_laws(
    group: SymmetryGroup,
    *,
    max_examples: int = 25,
    dtype: Any = np.float64,
    scale: float = 1.0,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> None:
    """Check that a group is one, and that its action and derivatives fit together.

    Associativity, identity, inverse, exponential and logarithm, distances,
    geodesics, the basis of the algebra; the action's composition, identity, derivatives,
    cotangent, adjoint and moment map on random parameters of ``group.shapes``.
    Two elements count as the same if they act in the same way and are as far from the identity,
    however they are written. ``distance`` must be a length: symmetric, subadditive, a norm to
    first order (which one, :meth:`SymmetryGroup.distance` says), never longer than the
    one-parameter subgroup, and as long as it where that is a geodesic. What scope ``"batch"``
    does not owe is skipped: composition, inverse and the pairing of arbitrary covectors on the
    weights.

    Parameters
    ----------
    group : SymmetryGroup
        The group to test.
    max_examples : int
        Number of random cases.
    dtype : dtype
        Of the parameters; tolerances follow it.
    scale : float
        Largest length of the random algebra vectors. Elements on which the
        action is not defined (``DomainError``) are passed over.
    shapes : dict of str to tuple of int, optional
        Of the parameters, for groups that leave lengths open (``None`` in ``group.shapes``):
        there 3 is taken unless given. Further parameters must be left alone.

    Raises
    ------
    ValueError
        If ``shapes`` do not fit the group.
    AssertionError
        Naming the law that fails, with hypothesis' smallest example.

    Examples
    --------
    A group of one's own passes or the law that it breaks is named:

    >>> from dataclasses import dataclass
    >>> import liegroup_teleport as lt
    >>> lt.testing.assert_group_laws(lt.losses.Booth().symmetry())
    >>> @dataclass(frozen=True)
    ... class Wrong(lt.groups.PositiveRescaling):
    ...     def inverse(self, g):
    ...         return g
    >>> hidden = lt.groups.HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])
    >>> try:
    ...     lt.testing.assert_group_laws(Wrong([hidden]))
    ... except AssertionError:
    ...     print("not a group")
    not a group
    """
    check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
    check_integer("max_examples", max_examples, least=1)
    dtype = check_dtype("dtype", dtype)
    shapes = _fitting(shapes, group)
    _check_basis(group)
    metric = Metric(group)

    @search(max_examples)
    @given(seed=SEEDS, length=lengths(scale))
    def laws(seed: int, length: float) -> None:
        rng = np.random.default_rng(seed)
        vectors = [random_vector(group, rng, length) for _ in range(3)]
        w, u, v, p = (random_parameters(shapes, rng, dtype, 1.0) for _ in range(4))
        before = [copied(a) for a in (w, u, v, p)]
        drawn = Drawn(group, widened(w), widened(v))
        _check_group(drawn, vectors)
        metric.check(vectors)
        try:
            _check_action(group, vectors[0], vectors[1], w=w, u=u, v=v, p=p)
        except DomainError:
            reject()
        for array, old in zip((w, u, v, p), before, strict=True):
            check_unchanged(array, old)

    laws()


def _fitting(shapes: Any, group: SymmetryGroup) -> Mapping[str, tuple[Any, ...]]:
    """Return the shapes to draw from: the group's own, or those given if they fit."""
    if shapes is None:
        return group.shapes
    shapes = dict(check_mapping("shapes", shapes, "a dict"))
    for name, shape in shapes.items():
        check_instance(f"shapes[{name!r}]", shape, (tuple, list), "a tuple of lengths")
        shapes[name] = tuple(shape)
    missing = [name for name in group.shapes if name not in shapes]
    if missing:
        raise ValueError(f"shapes: missing {missing}; the group acts on {list(group.shapes)}")
    for name, shape in shapes.items():
        for length in shape:
            check_integer(f"a length of shapes[{name!r}]", length, least=1)
        own = group.shapes.get(name, ())
        if len(shape) < len(own) or any(
            n not in (None, k) for n, k in zip(own, shape, strict=False)
        ):
            raise ValueError(f"shapes[{name!r}] is {shape}; the group acts on {own}")
    return shapes


def _check_basis(group: SymmetryGroup) -> None:
    basis = group.algebra_basis()
    check(len(basis) == group.dim, f"the basis has {len(basis)} elements; dim is {group.dim}")
    chosen = np.unique(np.linspace(0, group.dim - 1, min(group.dim, SAMPLED)).astype(int))
    matrices = [basis[int(i)] for i in chosen]
    products = np.array([[float(np.sum(a * b)) for a in matrices] for b in matrices])
    check(
        np.allclose(products, np.eye(len(matrices)), atol=1e-12),
        "the basis of the algebra is not orthonormal in the Frobenius product",
    )
    check(group.distance(group.identity()) == 0.0, "the identity is not at distance 0")
    check(
        set(group.shapes) >= {name for name, _ in group.acts_on},
        "acts_on names a parameter that shapes does not have",
    )


def _check_group(drawn: Drawn, vectors: list[np.ndarray]) -> None:
    group = drawn.group
    x, y, z = vectors
    g, h, k = (group.exp(a) for a in (x, y, z))
    one = group.identity()
    gh = group.compose(g, h)
    same(drawn, group.compose(gh, k), group.compose(g, group.compose(h, k)), "associativity")
    same(drawn, group.compose(one, g), g, "identity on the left")
    same(drawn, group.compose(g, one), g, "identity on the right")
    same(drawn, group.compose(g, group.inverse(g)), one, "right inverse")
    same(drawn, group.compose(group.inverse(g), g), one, "left inverse")
    same(drawn, group.exp(np.zeros(group.dim)), one, "exp(0)")
    same(drawn, group.exp(-x), group.inverse(g), "exp(-x) against the inverse")
    same(
        drawn,
        group.exp(0.4 * x + 0.6 * x),
        group.compose(group.exp(0.4 * x), group.exp(0.6 * x)),
        "exp((s + t) x) = exp(s x) exp(t x)",
    )
    same(drawn, group.exp(group.log(g)), g, "exp(log g)")
    length = float(np.linalg.norm(x))
    if length <= 3.0:  # beyond, the principal logarithm may be another one
        error = float(np.linalg.norm(group.log(g) - x))
        check(error <= GROUP_TOL * max(1.0, length), f"log(exp x) differs from x by {error:.3g}")
    _check_geodesic(drawn, g, h)


def _check_action(
    group: SymmetryGroup,
    x: np.ndarray,
    y: np.ndarray,
    *,
    w: dict[str, Any],
    u: dict[str, Any],
    v: dict[str, Any],
    p: dict[str, Any],
) -> None:
    dtype = next(iter(w.values())).dtype
    tol = tolerance(dtype)
    g, h = group.exp(x), group.exp(y)
    owed = group.scope != "batch"
    moved = group.act(g, w)
    unmoved = group.act(group.identity(), w)
    for name, array in w.items():
        check(np.array_equal(unmoved[name], array), f"act(identity, w) changes {name!r}")
        check(
            name in group.shapes or np.array_equal(moved[name], array),
            f"act changes {name!r}, which is not in the group's shapes",
        )
        check(
            moved[name].dtype == array.dtype and moved[name].shape == array.shape,
            f"act changes the layout of {name!r}",
        )
    if owed:
        middle = group.act(h, w)
        assert_close(
            group.act(group.compose(g, h), w),
            group.act(g, middle),
            tol,
            "act(compose(g, h), w) = act(g, act(h, w))",
            w,
            middle,
        )
        assert_close(group.act(group.inverse(g), moved), w, tol, "act of the inverse", moved)
    wide, across = widened(w), widened(u)
    velocity = group.generator(x, w)
    assert_derivative(lambda t: group.act(group.exp(t * x), wide), velocity, dtype, "generator", w)
    pushed = group.act_tangent(g, w, u)
    assert_derivative(
        lambda t: group.act(g, axpy(t, across, wide)), pushed, dtype, "act_tangent", moved, u
    )
    if owed:
        pulled = group.act_cotangent(g, w, v)
        error = abs(inner(pulled, pushed) - inner(v, u))
        size = max(norm(pulled) * norm(pushed), norm(v) * norm(u))
        check(
            error <= tol * size,
            f"<act_cotangent v, act_tangent u> = <v, u> fails by {error:.3g} of {size:.3g}",
        )
    dual = group.generator_adjoint(w, p)
    check(dual.shape == (group.dim,), f"generator_adjoint has shape {dual.shape}")
    error = abs(float(dual @ x) - inner(p, velocity))
    size = max(float(np.linalg.norm(dual) * np.linalg.norm(x)), norm(p) * norm(velocity))
    check(error <= tol * size, f"generator_adjoint is not the adjoint: {error:.3g} of {size:.3g}")
    if owed:
        _check_pullback(group, x, y, w, p)
    _check_moment_map(group, x, v, u, tol)
    if group.translational and not isinstance(group, DirectProduct):
        _check_translation(group, x, w, tol)


def _check_pullback(
    group: SymmetryGroup, x: np.ndarray, y: np.ndarray, w: Parameters, p: Parameters
) -> None:
    w = widened(w)
    p = widened(p)
    moved = group.act(group.exp(x), w)
    gradient = group.exp_pullback(x, group.generator_adjoint(moved, p))

    def curve(t: float) -> dict[str, Any]:
        return {"": np.array([inner(p, group.act(group.exp(x + t * y), w))])}

    slope = {"": np.array([float(gradient @ y)])}
    size = {"": np.array([norm(p) * norm(moved)])}
    assert_derivative(curve, slope, np.float64, "exp_pullback", size)


def _check_moment_map(
    group: SymmetryGroup, x: np.ndarray, v: Parameters, u: Parameters, tol: float
) -> None:
    if not group.linear:
        try:
            group.moment_map(v)
        except TypeError:
            return
        raise AssertionError("moment_map of an action that is not linear must raise TypeError")
    for a, b, mu in ((v, u, group.moment_map(v, u)), (v, v, group.moment_map(v))):
        A, B = group.generator(x, a), group.generator(x, b)
        expected = (inner(A, b) + inner(B, a)) / 2
        error = abs(float(mu @ x) - expected)
        size = norm(A) * norm(b) + norm(B) * norm(a)
        check(error <= tol * size, f"moment_map differs from its definition by {error:.3g}")
    check(np.array_equal(group.conserved(v), group.moment_map(v)), "conserved is the moment map")


def _check_translation(group: SymmetryGroup, x: np.ndarray, w: Parameters, tol: float) -> None:
    velocity = group.generator(x, w)
    error = abs(float(group.conserved(w) @ x) - inner(velocity, w))
    check(
        error <= tol * norm(velocity) * norm(w),
        f"conserved of a translation differs from <c, w> by {error:.3g}",
    )


def _check_geodesic(drawn: Drawn, g: Any, h: Any) -> None:
    group = drawn.group
    try:
        end = group.geodesic(g, h, 1.0)
    except DomainError:  # the two elements may be too far apart for a logarithm
        return
    # the logarithm of h g^-1 loses digits as the elements stretch
    loss = drawn.condition(g) * drawn.condition(h)
    same(drawn, group.geodesic(g, h, 0.0), g, "geodesic at t = 0")
    same(drawn, end, h, "geodesic at t = 1", loss)
    back = group.geodesic(h, g, 0.75)
    same(drawn, group.geodesic(g, h, 0.25), back, "geodesic, there and back", loss)
