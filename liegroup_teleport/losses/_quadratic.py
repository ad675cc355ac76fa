"""Quadratic losses with dense, sparse or implicit matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from .._arrays import Array, Parameters, cast, host, is_symbolic
from .._errors import DomainError
from ._base import scalar, vector_pair, vector_parameter
from ._data import read

if TYPE_CHECKING:
    from ..groups import SymmetryGroup

__all__ = ["Quadratic"]


class Quadratic:
    r"""The quadratic :math:`\tfrac12 (w - w^*)^T A (w - w^*)` of parameters ``{"w": (n,)}``.

    Parameters
    ----------
    A : array (n, n), SciPy sparse array or LinearOperator
        Symmetric; positive definite for its symmetry and for minimisation. Only products with
        it are taken, in float64 on the host, and rounded to the dtype of the parameters.
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
        self._bound: float | None = None
        self._bound_known = False

    def __repr__(self) -> str:
        """Name the kind and the size of the matrix."""
        kind = "dense" if isinstance(self.A, np.ndarray) else type(self.A).__name__
        return f"Quadratic(n={self.n}, A={kind})"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the parameter."""
        return {"w": (self.n,)}

    @property
    def lower_bound(self) -> float | None:
        """Zero where a dense ``A`` is positive definite (found once by Cholesky), else unknown."""
        if not self._bound_known:
            self._bound_known = True
            if isinstance(self.A, np.ndarray) and not is_symbolic(self.A):
                try:
                    np.linalg.cholesky(self.A)
                    self._bound = 0.0
                except np.linalg.LinAlgError:
                    self._bound = None
        return self._bound

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
            Of scope ``"loss"``; where ``A`` is not positive definite its dense methods raise.
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
    return matrix


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
