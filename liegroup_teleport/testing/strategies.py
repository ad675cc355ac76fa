"""Hypothesis strategies for group elements, algebra vectors and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .._checks import check_dtype, check_instance, check_mapping, check_number
from ..groups import SymmetryGroup

__all__ = ["algebra_vectors", "elements", "parameters"]

SEEDS = st.integers(0, 2**32 - 1)
FREE_LENGTH = 3


def algebra_vectors(group: SymmetryGroup, scale: float = 1.0) -> st.SearchStrategy[np.ndarray]:
    """Return algebra vectors of length up to ``scale``; they shrink to zero.

    Parameters
    ----------
    group : SymmetryGroup
        Whose algebra.
    scale : float
        Largest length.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of arrays of shape ``(dim,)``.

    Raises
    ------
    ValueError
        If ``scale`` is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import hypothesis
    >>> import liegroup_teleport as lt
    >>> group = lt.losses.Booth().symmetry()
    >>> @hypothesis.settings(max_examples=10, database=None)
    ... @hypothesis.given(x=lt.testing.strategies.algebra_vectors(group))
    ... def test_log_is_the_inverse_of_exp(x):
    ...     assert np.allclose(group.log(group.exp(x)), x)
    >>> test_log_is_the_inverse_of_exp()
    """
    check_instance("group", group, SymmetryGroup, "a SymmetryGroup")

    def build(seed: int, length: float) -> np.ndarray:
        return random_vector(group, np.random.default_rng(seed), length)

    return st.builds(build, SEEDS, lengths(scale))


def elements(group: SymmetryGroup, scale: float = 1.0) -> st.SearchStrategy[Any]:
    """Return elements ``exp(x)`` with ``||x||_2`` up to ``scale``; they shrink to the identity.

    Parameters
    ----------
    group : SymmetryGroup
        Where the elements come from.
    scale : float
        Largest length of the algebra vector.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of group elements.

    Raises
    ------
    ValueError
        If ``scale`` is negative or not finite.

    Examples
    --------
    >>> import hypothesis
    >>> import liegroup_teleport as lt
    >>> group = lt.losses.Booth().symmetry()
    >>> @hypothesis.settings(max_examples=10, database=None)
    ... @hypothesis.given(g=lt.testing.strategies.elements(group))
    ... def test_inverses_are_as_far_from_the_identity(g):
    ...     assert abs(group.distance(group.inverse(g)) - group.distance(g)) < 1e-9
    >>> test_inverses_are_as_far_from_the_identity()
    """
    return algebra_vectors(group, scale).map(group.exp)


def parameters(
    loss: Any, dtype: Any = np.float64, scale: float = 1.0
) -> st.SearchStrategy[dict[str, np.ndarray]]:
    """Return NumPy parameters for a loss or a group, normally distributed.

    Parameters
    ----------
    loss : Loss, SymmetryGroup or dict
        Anything with ``shapes``, or the shapes themselves; ``None`` in a shape
        stands for a free length.
    dtype : dtype
        Of the arrays.
    scale : float
        Standard deviation of the entries.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of dicts of arrays; a free length is 3.

    Raises
    ------
    TypeError
        If ``loss`` has no ``shapes``.

    Examples
    --------
    >>> import hypothesis
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Rosenbrock()
    >>> @hypothesis.settings(max_examples=10, database=None)
    ... @hypothesis.given(w=lt.testing.strategies.parameters(loss))
    ... def test_loss_is_not_negative(w):
    ...     assert loss.value(w) >= 0
    >>> test_loss_is_not_negative()
    """
    shapes = loss if isinstance(loss, Mapping) else getattr(loss, "shapes", None)
    if shapes is None:
        raise TypeError(
            f"loss is a {type(loss).__name__} and has no attribute shapes; "
            "give a dict from parameter name to shape"
        )
    dtype, scale = check_dtype("dtype", dtype), check_number("scale", scale, least=0.0)
    check_mapping("loss", shapes, "a loss with shapes, or a dict from name to shape")
    return SEEDS.map(
        lambda seed: random_parameters(shapes, np.random.default_rng(seed), dtype, scale)
    )


def random_vector(group: SymmetryGroup, rng: np.random.Generator, length: float) -> np.ndarray:
    """Return an algebra vector of the given length in a random direction."""
    x = rng.standard_normal(group.dim)
    norm = float(np.linalg.norm(x))
    return x * (length / norm) if norm > 0 else x


def random_parameters(
    shapes: Mapping[str, Any], rng: np.random.Generator, dtype: Any, scale: float
) -> dict[str, np.ndarray]:
    """Return one set of normally distributed parameters."""
    return {
        name: (
            scale * rng.standard_normal([FREE_LENGTH if n is None else n for n in shape])
        ).astype(dtype)
        for name, shape in shapes.items()
    }


def lengths(scale: float) -> st.SearchStrategy[float]:
    """Return lengths from 0 to ``scale``."""
    scale = check_number("scale", scale, least=0.0)
    # a grid: lengths that underflow in single precision test nothing
    return st.integers(0, 1000).map(lambda i: scale * i / 1000)
