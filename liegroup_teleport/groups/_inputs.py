"""Linear changes of the inputs that the first layer undoes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Array, Parameters, cast, is_symbolic, usable
from .._checks import check_array
from .._errors import DomainError
from ._base import Basis, SymmetryGroup
from ._general_linear import GeneralLinear, Pair
from ._hidden import HiddenIndex
from ._matrices import check_pair

__all__ = ["InputTransformation"]


@dataclass(frozen=True)
class InputTransformation(SymmetryGroup):
    r"""GL+(d) acting on the pair of parameters and data of an MLP.

    With samples as rows, ``X -> X g^T`` and ``W1 -> W1 g^-1``: the network
    sees the same first pre-activations, so :math:`L(g\cdot(w, X)) = L(w, X)`,
    for every activation, batch and loss.

    :meth:`act` moves the parameters and :meth:`act_on_inputs` the data;
    neither alone leaves the loss unchanged. After moving ``w`` go on with
    ``group.act_on_loss(g, loss)`` (the loss on the moved data), and send every
    later input through ``act_on_inputs(g, X)``, at test time too; or train on,
    and return to the original inputs with ``act(inverse(g), w)``. Scope
    ``"function"`` is that of the pair: the trained function of the original
    inputs is ``forward(act(inverse(g), w), X)``.

    The gradient moves by ``dL/dW1 -> dL/dW1 g^T``: gradient descent in the new
    coordinates is descent in the old ones preconditioned by ``g^T g`` on the
    input side. :meth:`whitening` returns the element that makes the inputs
    white, the classic choice.

    An element is a pair ``(g, g^-1)`` of (d, d) matrices, d the number of
    features; an algebra vector is a flattened (d, d) matrix.

    Parameters
    ----------
    mlp : MLP
        The network with its batch: anything with ``widths``, first-layer
        weights ``W1`` of shape (out, d), ``inputs`` and ``with_inputs(X)``.

    Raises
    ------
    TypeError
        If ``mlp`` lacks one of these.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (actions on parameters and data).

    [LeC98] LeCun et al., *Efficient BackProp*, 1998 (whitening the inputs).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> X = np.array([[1.0, 0.0], [2.0, 2.0], [0.0, 3.0]])
    >>> loss = lt.losses.MLP([2, 3, 1], activation="tanh", inputs=X, targets=np.ones((3, 1)))
    >>> group = lt.groups.InputTransformation(loss)
    >>> g = group.whitening()
    >>> white = group.act_on_inputs(g, X)
    >>> np.allclose(white.T @ white / 3, np.eye(2))
    True
    >>> w = loss.init(np.random.default_rng(0))
    >>> there = group.act_on_loss(g, loss)
    >>> np.allclose(there.value(group.act(g, w)), loss.value(w))
    True
    """

    mlp: Any

    compact = False
    linear = True
    diagonal = False
    scope = "function"
    self_adjoint = True
    moves_inputs = True

    def __post_init__(self) -> None:
        for name in ("widths", "inputs", "with_inputs"):
            if isinstance(self.mlp, type) or not hasattr(self.mlp, name):
                raise TypeError(
                    f"mlp is a {type(self.mlp).__name__} without {name}; "
                    "expected a network like losses.MLP"
                )

    @cached_property
    def matrices(self) -> GeneralLinear:
        """The abstract group: GL+ of the input index, which the first layer reads."""
        return GeneralLinear((HiddenIndex(self.size, read=[("W1", 1)]),))

    @property
    def size(self) -> int:
        """Number of input features d."""
        return int(self.mlp.widths[0])

    @property
    def dim(self) -> int:
        """``d^2``."""
        return self.matrices.dim

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Name and shape of the first layer's weights."""
        return self.matrices.shapes

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The axis of the first layer that reads the inputs."""
        return self.matrices.acts_on

    def _element(self, g: Any) -> Pair:
        return check_pair(g, self.size, "input element")

    def element(self, matrix: Any) -> Pair:
        """Return the element of a (d, d) matrix of positive determinant.

        Parameters
        ----------
        matrix : array (d, d)
            Of positive determinant.

        Returns
        -------
        tuple of (array (d, d), array (d, d))
            The matrix and its inverse.

        Raises
        ------
        ValueError
            If the shape is wrong.
        DomainError
            If the determinant is not positive.
        """
        return self._element((matrix, None))

    def whitening(self, X: Any = None) -> Pair:
        """Return the element that makes the inputs white: ``X g^T`` has second moments I.

        ``g = C^-1/2`` with ``C = X^T X / samples``, symmetric and positive
        definite (ZCA). Second moments, not covariances: a linear map cannot
        centre the data; centre them beforehand if that is wanted.

        Parameters
        ----------
        X : array, shape (samples, d), optional
            The inputs to whiten; those of the network unless given.

        Returns
        -------
        tuple of (array (d, d), array (d, d))
            ``C^-1/2`` and its inverse.

        Raises
        ------
        TypeError
            If ``X`` has symbols for entries.
        ValueError
            If ``X`` has another shape.
        DomainError
            If the inputs are rank-deficient (fewer samples than features, or
            features that depend on each other), or not finite.
        """
        given = self.mlp.inputs if X is None else X
        X = check_array("inputs", given, (None, self.size), symbols=True)
        if not len(X):
            raise ValueError(
                f"inputs have shape {X.shape}; expected (samples, {self.size}), samples >= 1"
            )
        if is_symbolic(X):
            raise TypeError("whitening needs numbers, not symbols")
        _, values, Vh = np.linalg.svd(X, full_matrices=False)
        cut = max(X.shape) * np.finfo(np.float64).eps * values[0]
        rank = int(np.sum(values > cut))
        if rank < self.size:
            raise DomainError(
                f"rank-deficient inputs of shape {X.shape} and rank {rank}; "
                f"whitening needs rank {self.size}"
            )
        scales = values / np.sqrt(len(X))
        return (Vh.T / scales) @ Vh, (Vh.T * scales) @ Vh

    def identity(self) -> Pair:
        """Return the identity matrix and its inverse."""
        return self.matrices.identity()[0]

    def compose(self, g: Any, h: Any) -> Pair:
        """Return the matrix product."""
        return self.matrices.compose((self._element(g),), (self._element(h),))[0]

    def inverse(self, g: Any) -> Pair:
        """Swap the matrix with its inverse."""
        a, b = self._element(g)
        return b, a

    def exp(self, x: np.ndarray) -> Pair:
        """Return the matrix exponential and its inverse."""
        return self.matrices.exp(x)[0]

    def log(self, g: Any) -> np.ndarray:
        """Return the real principal logarithm, flattened."""
        return self.matrices.log((self._element(g),))

    def algebra_basis(self) -> Basis:
        """Return the matrix units."""
        return self.matrices.algebra_basis()

    def distance(self, g: Any) -> float:
        """Return ``1/2 ||log g^T g||_F``, zero on rotations."""
        return self.matrices.distance((self._element(g),))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector."""
        return self.matrices.exp_pullback(x, m)

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return the parameters with ``W1 g^-1``: the part of the pair that is no data."""
        return self.matrices.act((self._element(g),), w)

    def _move_inputs(self, g: Any, X: Array) -> Array:
        a, _ = self._element(g)
        X = usable(X, "inputs")
        if tuple(X.shape)[-1:] != (self.size,):
            raise ValueError(f"inputs have shape {tuple(X.shape)}; expected (samples, {self.size})")
        xp = array_api_compat.array_namespace(X)
        if not is_symbolic(X) and not xp.isdtype(X.dtype, "real floating"):
            X = xp.astype(X, xp.float64)  # a matrix cast to integers would be nonsense
        return X @ cast(a.T, X)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``u`` moved like the parameters: the action is linear."""
        return self.act(g, u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``v`` with ``v_W1 g^T``.

        The gradient at ``g . w`` of the loss on the moved data,
        ``act_on_loss(g, loss)``, from that of ``loss`` at ``w``.
        """
        self.check_parameters(v)
        return self.matrices.act_cotangent((self._element(g),), w, v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``-W1 X`` in the first layer and zero elsewhere."""
        return self.matrices.generator(x, w)

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return ``-W1^T p_W1``, flattened."""
        return self.matrices.generator_adjoint(w, p)

    @property
    def manifold(self) -> Any:
        """GL+(d), in geomstats."""
        return self.matrices.manifold
