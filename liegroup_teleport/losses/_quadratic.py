"""Quadratic losses with dense, sparse or implicit matrices."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from .._arrays import Array, Parameters, cast, host, is_symbolic
from .._errors import DomainError
from ._base import scalar, vector_pair, vector_parameter
from ._data import read
from ._definite import gamma, is_positive_definite

if TYPE_CHECKING:
    from ..groups import SymmetryGroup

__all__ = ["Quadratic"]

POWERS = 8  # products with an operator that show its norm
ROW = 32  # entries of a row of an operator, as far as rounding is concerned


class Quadratic:
    r"""The quadratic :math:`\tfrac12 (w - w^*)^T A (w - w^*)` of parameters ``{"w": (n,)}``.

    Parameters
    ----------
    A : array (n, n), SciPy sparse array or LinearOperator
        Symmetric, to rounding: the symmetric part is kept; positive definite for its symmetry
        and for minimisation. Products with it are taken in float64 on the host, and rounded to
        the dtype of the parameters. What an operator does is believed: nothing is proved of it.
    minimum : array (n,), optional
        The critical point :math:`w^*`; ``None`` or 0 is the origin.

    Raises
    ------
    TypeError
        If ``A`` has entries that are not real numbers.
    ValueError
        If ``A`` is not square or not symmetric, or ``minimum`` has another shape.
    DomainError
        If an entry is not finite.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (quadratic functions).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 4.0]), minimum=[1.0, 0.0])
    >>> loss.value({"w": np.array([3.0, 1.0])})
    4.0
    >>> loss.gradient({"w": np.array([3.0, 1.0])})["w"]
    array([2., 4.])
    """

    def __init__(self, A: Any, minimum: Any = None) -> None:
        self.A = _matrix(A)
        self.n = int(self.A.shape[0])
        self._centred = minimum is None or (np.ndim(minimum) == 0 and minimum == 0)
        self.minimum = (
            np.zeros(self.n, dtype=object if is_symbolic(self.A) else np.float64)
            if self._centred
            else _centre(minimum, self.n)
        )
        self._definite: tuple[bool | None] | None = None

    def __repr__(self) -> str:
        """Name the kind and the size of the matrix."""
        kind = "dense" if isinstance(self.A, np.ndarray) else type(self.A).__name__
        return f"Quadratic(n={self.n}, A={kind})"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the parameter."""
        return {"w": (self.n,)}

    @property
    def positive_definite(self) -> bool | None:
        """Whether ``A`` is: proved, refuted to rounding, or ``None`` where it is not known.

        Found once, by a Cholesky factorisation of dense matrices and of sparse ones of narrow
        band; an operator shows nothing of its spectrum.
        """
        if self._definite is None:
            self._definite = (None if is_symbolic(self.A) else is_positive_definite(self.A),)
        return self._definite[0]

    @property
    def lower_bound(self) -> float | None:
        """Zero where ``A`` is proved to be positive definite, else unknown."""
        return 0.0 if self.positive_definite else None

    def value_rounding(self, w: Parameters) -> float:
        r"""Return a bound on the rounding error of :meth:`value` at ``w`` taken as exact.

        The computed :math:`\tfrac12 y^T A y` with ``y = w - minimum`` is off by at most
        :math:`\tfrac12 \gamma_k |y|^T |A| |y|`, k the entries of a row and the depth of the last
        sum (Higham 2002, section 3.1). Where A is badly conditioned and y lies along its small
        eigenvalues that is large beside the value itself.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        float
            Zero for symbols. The entries of an operator are not known; there the norm of A,
            estimated once by a few products, takes the place of ``|A|``.
        """
        point = vector_parameter(w, self.n)
        if is_symbolic(self.A) or is_symbolic(point):
            return 0.0
        y = self._displacement(point)
        if isinstance(self.A, LinearOperator):
            return gamma(self._depth) * self._size * float(y @ y) / 2
        return gamma(self._depth) * self.absolute_energy(y) / 2

    def absolute_energy(self, y: np.ndarray) -> float:
        """Return ``|y|^T |A| |y|`` for a displacement y (n,), of a dense or sparse A.

        Parameters
        ----------
        y : array (n,)
            Displacement from the minimum, float64.

        Returns
        -------
        float
        """
        size = np.abs(y)
        rows = max(1, 4 * self.n // max(self._row, 1))  # of |A| at a time: memory of four vectors
        products = (
            size[i : i + rows] @ (abs(self.A[i : i + rows]) @ size) for i in range(0, self.n, rows)
        )
        return float(sum(products))

    @cached_property
    def _size(self) -> float:
        """Twice what a few products with an operator show of its norm."""
        v = np.random.default_rng(0).standard_normal(self.n)
        length = 0.0
        for _ in range(POWERS):
            v = np.asarray(self.A @ (v / float(np.linalg.norm(v))))
            length = float(np.linalg.norm(v))
            if not 0 < length < np.inf:
                break
        return 2 * length

    @property
    def _row(self) -> int:
        """The largest number of entries of a row."""
        if isinstance(self.A, np.ndarray):
            return self.n
        if isinstance(self.A, LinearOperator):
            return ROW
        return int(np.diff(self.A.indptr).max(initial=0))

    @property
    def _depth(self) -> int:
        """How many roundings an entry's part of the value passes: a row, then a sum in pairs."""
        return self._row + int(np.log2(self.n)) + 24

    def operator(self, v: Array) -> Array:
        """Return ``A v`` for a vector (n,) of any array library, in its dtype.

        Parameters
        ----------
        v : array (n,)
            In any array library.

        Returns
        -------
        array (n,)
            In the library and dtype of ``v``.

        Raises
        ------
        TypeError
            If ``v`` has symbols for entries and ``A`` is not dense.
        """
        if is_symbolic(v) or is_symbolic(self.A):
            if not isinstance(self.A, np.ndarray):
                raise TypeError(
                    f"symbolic vectors need a dense A, this one is a {type(self.A).__name__}"
                )
            product = self.A @ (v if isinstance(v, np.ndarray) else host(v))
            return product if is_symbolic(v) else cast(_numbers(product), v)
        return cast(np.asarray(self.A @ host(v)), v)

    def value(self, w: Parameters) -> float:
        """Return the loss at ``w``."""
        y = self._displacement(vector_parameter(w, self.n))
        return self._half_square(y, self.A @ y, w)

    def gradient(self, w: Parameters) -> dict[str, Array]:
        """Return ``{"w": A (w - minimum)}``."""
        return self.value_and_gradient(w)[1]

    def value_and_gradient(self, w: Parameters) -> tuple[float, dict[str, Array]]:
        """Return value and gradient at ``w`` from one product with ``A``.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        value : float
            The loss.
        gradient : dict of str to array
            Of the names, shapes, dtype and library of ``w``.
        """
        point = vector_parameter(w, self.n)
        y = self._displacement(point)
        product = np.asarray(self.A @ y)
        value = self._half_square(y, product, w)
        if not is_symbolic(point):
            product = _numbers(product)
        return value, {"w": cast(product, point)}

    def hvp(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return ``{"w": A v}``."""
        return {"w": self.operator(vector_pair(w, v, self.n)[1])}

    def gauss_newton_product(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return ``{"w": A v}``: the Gauss-Newton matrix of a quadratic is its Hessian.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.
        v : dict of str to array
            A vector of the names and shapes of ``w``.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``w``.
        """
        return self.hvp(w, v)

    def symmetry(self) -> SymmetryGroup:
        """Return the rotations of its level sets.

        Returns
        -------
        QuadraticOrthogonal
            Of scope ``"loss"``.

        Raises
        ------
        DomainError
            If ``A`` is not positive definite: its level sets are no ellipsoids.
        """
        from ..groups import QuadraticOrthogonal

        return QuadraticOrthogonal(self)

    def _displacement(self, point: Array) -> np.ndarray:
        """Return ``point - minimum`` on the host: subtracted in float64, so nothing cancels."""
        y = point if isinstance(point, np.ndarray) and is_symbolic(point) else host(point)
        if is_symbolic(y) and not isinstance(self.A, np.ndarray):
            raise TypeError(
                f"symbolic parameters need a dense A, this one is a {type(self.A).__name__}"
            )
        return y if self._centred else y - self.minimum

    @staticmethod
    def _half_square(y: np.ndarray, product: np.ndarray, w: Parameters) -> Any:
        total = (y * product).sum() / 2
        return scalar(total) if is_symbolic(w["w"]) else float(total)


def _numbers(array: np.ndarray) -> np.ndarray:
    """Turn an object array of exact numbers into float64."""
    return np.asarray(array, dtype=np.float64) if is_symbolic(array) else array


def _matrix(A: Any) -> Any:
    """Check ``A`` and copy it if it is dense."""
    if isinstance(A, LinearOperator) or scipy.sparse.issparse(A):
        matrix = A
    else:
        matrix = read(A, "A")
        if not is_symbolic(matrix):
            matrix = matrix.astype(np.float64)
    shape = tuple(matrix.shape)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 1:
        raise ValueError(f"A has shape {shape}; expected a square matrix (n, n), n >= 1")
    if is_symbolic(matrix):
        return matrix
    if matrix.dtype is not None and matrix.dtype.kind not in "fiub":
        raise TypeError(f"A: dtype {matrix.dtype}; expected real numbers")
    if isinstance(matrix, LinearOperator):
        return matrix
    if not isinstance(matrix, np.ndarray):
        matrix = matrix.tocsr()
    entries = matrix if isinstance(matrix, np.ndarray) else matrix.data
    if not np.all(np.isfinite(entries)):
        raise DomainError(f"A has {int(np.sum(~np.isfinite(entries)))} entries that are not finite")
    gap, largest = abs(matrix - matrix.T).max(), abs(matrix).max()
    # A product like Q D Q^T is symmetric up to rounding only; half the digits tell it from a slip.
    single = "float32" in str(getattr(A, "dtype", ""))
    if gap > (3e-4 if single else 1e-8) * largest:
        raise ValueError(
            f"A is not symmetric: entries (i, j) and (j, i) differ by up to {float(gap):.3g}, "
            f"the largest entry is {float(largest):.3g}; expected A = A^T"
        )
    # the value knows the symmetric part only, and the gradient must be that of the value
    return matrix + (matrix.T - matrix) / 2 if gap > 0 else matrix


def _centre(minimum: Any, n: int) -> np.ndarray:
    """Check the minimum and copy it."""
    centre = read(minimum, "minimum")
    if centre.shape != (n,):
        raise ValueError(f"minimum has shape {centre.shape}; expected ({n},), None or 0")
    if is_symbolic(centre):
        return centre
    centre = centre.astype(np.float64)
    if not np.all(np.isfinite(centre)):
        raise DomainError(f"minimum has entries that are not finite: {centre}")
    return centre
