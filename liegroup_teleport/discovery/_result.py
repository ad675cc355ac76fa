"""What a discovery found: generators, their algebra, a group to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._checks import check_integer
from ..groups import DiagonalGroup, MatrixGroup, SymmetryGroup, Translation
from ..groups._base import Scope
from ..groups._layout import Layout

__all__ = ["Discovery", "group_of"]

SHOWN = 8  # generators that a printed discovery writes out


@dataclass(frozen=True, eq=False)
class Discovery:
    """The infinitesimal symmetries of a loss.

    The parameters are one vector ``w`` of n entries, arrays one after the other.

    Attributes
    ----------
    generators : array or tuple of matrices
        A basis of the algebra, in reduced row echelon form. From numbers an array:
        (dim, n, n) with ``dw/dt = X w`` for the linear ansatz, (dim, n + 1, n + 1)
        on ``(w, 1)`` for the affine one, and the diagonals (dim, n) for the diagonal
        one. From a proof a tuple of SymPy matrices of one of the first two forms.
        Empty where there are no symmetries.
    algebra : str
        Which Lie algebra it is: ``"so(3)"``, ``"gl(2)"``, ``"diagonal, R^5"``, ...,
        or its dimension and what is known of its structure.
    group : SymmetryGroup
        The connected group of the algebra, of dimension 0 where nothing was found.
    certificate : Certificate or None
        The proof, of :func:`liegroup_teleport.symbolic.discover` only.
    labels : tuple of str
        One name per entry of the vector.
    closure : float
        Largest part of a bracket of two generators that leaves their span, relative;
        0 where that was computed exactly.
    singular_values : array (k,) or None
        Of the sampled equations, the largest scaled to 1; symmetries are zeros.
    gap : float or None
        The smallest singular value kept over the largest one (or noise level) that
        counts as zero: how clear the decision was.
    noise : float or None
        Relative noise of the gradients that the decision allowed for.
    residual : float or None
        Largest violation ``|<grad L, X w + c>|`` at fresh points, relative.
    samples : int or None
        Number of points where the gradient was taken.
    message : str
        How it was decided, in words.
    dim_range : tuple of int or None
        The least and the largest dimension that cannot be told apart from :attr:`dim` by
        gradients of this accuracy: equal where the dimension is decided. ``None`` for a proof.
    drift : float or None
        Largest change of the loss by finite motion along a generator, over what rounding allows;
        of the gradients where values are not known. Above 1 something is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.eye(2))
    >>> found = lt.discover_generators(loss, lambda rng: {"w": rng.normal(size=2)})
    >>> found.algebra, found.dim, found.gap > 1e6
    ('so(2)', 1, True)
    >>> found.describe(0)
    "w[0]' = w[1], w[1]' = -w[0]"
    >>> moved = found.group.act(found.group.exp(np.array([1.0])), {"w": np.array([3.0, 4.0])})
    >>> round(loss.value(moved), 9)
    12.5
    """

    generators: Any = field(repr=False)
    algebra: str
    group: SymmetryGroup = field(repr=False)
    certificate: Any = field(default=None, repr=False)
    labels: tuple[str, ...] = field(default=(), repr=False)
    closure: float = 0.0
    singular_values: np.ndarray | None = field(default=None, repr=False)
    gap: float | None = None
    noise: float | None = None
    residual: float | None = None
    samples: int | None = None
    message: str = field(default="", repr=False)
    dim_range: tuple[int, int] | None = None
    drift: float | None = None

    @property
    def dim(self) -> int:
        """Number of generators."""
        return len(self.generators)

    @property
    def decided(self) -> bool:
        """Whether the dimension is sure, up to what the noise hides: see ``dim_range``."""
        return self.dim_range is None or self.dim_range[0] == self.dim_range[1]

    def describe(self, index: int) -> str:
        """Return generator ``index`` as a vector field: ``"x' = -y, y' = x"``.

        Parameters
        ----------
        index : int
            Which one, from 0.

        Returns
        -------
        str
            One equation per entry that moves, empty if none does.

        Raises
        ------
        IndexError, TypeError, ValueError
            If there is no such generator.
        """
        index = check_integer("index", index)
        if not -len(self.generators) <= index < len(self.generators):
            raise IndexError(f"index is {index}; expected one of {len(self.generators)} generators")
        X = self.generators[index]
        names = (*self.labels, "")
        diagonal = getattr(X, "ndim", 2) == 1
        equations = []
        for i, label in enumerate(self.labels):
            row = {i: X[i]} if diagonal else {j: X[i, j] for j in range(X.shape[1])}
            text = _sum([(row[j], names[j]) for j in row if row[j] != 0])
            if text:
                equations.append(f"{label}' = {text}")
        return ", ".join(equations)

    def __str__(self) -> str:
        """Write the algebra and the first generators as vector fields."""
        lines = [f"{self.algebra}; dimension {self.dim}"]
        lines += [self.describe(i) for i in range(min(self.dim, SHOWN))]
        if self.dim > SHOWN:
            lines.append(f"... and {self.dim - SHOWN} more")
        return "\n".join(lines)


def _sum(terms: list[tuple[Any, str]]) -> str:
    text = ""
    for coefficient, name in terms:
        sign, size = ("-", -coefficient) if coefficient < 0 else ("+", coefficient)
        number = f"{size:.6g}" if isinstance(size, float | np.floating) else str(size)
        term = name if number == "1" and name else f"{number} {name}".rstrip()
        text += f" {sign} {term}" if text else f"{'-' if sign == '-' else ''}{term}"
    return text


def group_of(
    generators: np.ndarray, shapes: Mapping[str, tuple[int, ...]], scope: Scope, tol: float = 1e-8
) -> SymmetryGroup:
    """Return the connected group of generators, in the simplest form that they allow.

    Parameters
    ----------
    generators : array (d, n), (d, n, n) or (d, n + 1, n + 1)
        Diagonals, matrices, or affine matrices on ``(w, 1)``.
    shapes : dict of str to tuple
        The parameters, n entries together.
    scope : {"loss", "function"}
    tol : float
        Relative error of the generators.
    """
    layout = Layout(shapes)
    n = layout.size
    if generators.ndim == 2:
        return DiagonalGroup(generators, layout.shapes, scope)
    X, c = generators[:, :n, :n], generators[:, :n, n:]
    if np.any(c) and not np.any(X):
        directions = [
            {name: row[window].reshape(layout.shapes[name]) for name, window in windows}
            for row in c[:, :, 0]
            for windows in [layout.windows.items()]
        ]
        return Translation(directions, scope)
    diagonals = np.diagonal(X, axis1=1, axis2=2)
    if not np.any(c) and np.count_nonzero(X) == np.count_nonzero(diagonals):
        return DiagonalGroup(diagonals, layout.shapes, scope)
    if not np.any(c):
        return MatrixGroup(X, layout.shapes, scope, tol)
    return MatrixGroup(generators, layout.shapes, scope, tol)
