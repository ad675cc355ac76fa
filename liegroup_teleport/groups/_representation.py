"""Matrix Lie groups of geomstats, acting on a vector of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters, host
from .._checks import check_choice, check_text
from .._errors import DomainError
from ._base import Basis, Scope, SymmetryGroup, algebra_vector, check_element
from ._general_linear import Pair
from ._hidden import gram, multiply_axis
from ._matrices import (
    check_pair,
    exp_pair,
    exp_pullback_matrix,
    log_matrix,
    orthonormal_rows,
    stretch_distance,
)
from ._rational import closed_under_transposes

__all__ = ["MatrixRepresentation"]


@dataclass(frozen=True)
class MatrixRepresentation(SymmetryGroup):
    r"""A matrix Lie group of geomstats acting on a parameter vector.

    ``w -> rho(g) w`` with a homomorphism rho, by default ``rho(g) = g``. The
    group may be one of geomstats (``SpecialEuclidean(2, point_type="matrix")``,
    ``SpecialOrthogonal(3, point_type="matrix")``, ``GeneralLinear(n)``, lower
    triangular matrices) or one that you derive from its ``MatrixLieGroup``:
    read off it are the size of its matrices and the basis of its Lie algebra,
    orthonormalised in the Frobenius product. The elements reached are those of
    the identity component.

    An element is a pair ``(g, g^-1)`` of (n, n) matrices; :meth:`element` makes
    one of a point of the geomstats group.

    Parameters
    ----------
    geomstats_group : geomstats.geometry.lie_group.MatrixLieGroup
        The group, its points as matrices.
    representation : callable, optional
        From a matrix of the group (n, n) to the matrix (m, m) that acts on the
        parameter: ``rho(g h) = rho(g) rho(h)``, ``rho(I) = I``. Its derivative
        is read off the logarithm of ``rho(exp(t B))``, to rounding.
    name : str
        The parameter, of shape (m,); with further axes, (m, ...), every column
        moves alike.
    scope : {"loss", "function"}
        Where the invariance holds, see :class:`SymmetryGroup`.

    Raises
    ------
    TypeError
        If the group is no ``MatrixLieGroup`` with a basis of its Lie algebra.
    ValueError
        If the basis is linearly dependent or not closed under brackets, or the
        representation is not a homomorphism to (m, m) matrices.

    Notes
    -----
    ``compact`` says that all generators are skew, so that orbits are bounded;
    a compact group given in other coordinates is not recognised. ``distance``
    is then ``||log g||_F / sqrt(2)``, otherwise ``1/2 ||log g^T g||_F`` (zero on
    rotations). ``self_adjoint`` is computed: SO(n) and GL(n) are, SE(n) and
    triangular groups are not, hence a critical point of the norm on their
    orbits need not be a minimum.

    References
    ----------
    [geomstats] Miolane et al., *Geomstats: A Python Package for Riemannian Geometry in Machine
    Learning*, JMLR 21(223), 2020.

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from geomstats.geometry.special_euclidean import SpecialEuclidean
    >>> import liegroup_teleport as lt
    >>> group = lt.groups.MatrixRepresentation(SpecialEuclidean(2, point_type="matrix"))
    >>> group.dim, group.self_adjoint
    (3, False)
    >>> g = group.element(np.array([[0.0, -1, 5], [1, 0, 0], [0, 0, 1]]))
    >>> group.act(g, {"w": np.array([1.0, 0.0, 1.0])})
    {'w': array([5., 1., 1.])}
    """

    geomstats_group: Any
    representation: Callable[[np.ndarray], Any] | None = None
    name: str = "w"
    scope: Scope = "loss"

    linear = True
    diagonal = False

    def __post_init__(self) -> None:
        if self.representation is not None and not callable(self.representation):
            raise TypeError(
                f"representation is a {type(self.representation).__name__}; "
                "expected a function of a matrix"
            )
        check_choice("scope", self.scope, ("loss", "function"))
        check_text("name", self.name)
        self._check_algebra()
        if self.representation is not None:
            self._check_homomorphism()

    @cached_property
    def _algebra(self) -> np.ndarray:
        """The basis of the Lie algebra as geomstats gives it, (dim, n, n)."""
        from ..geometry import matrix_algebra

        return matrix_algebra(self.geomstats_group)

    @property
    def exact_generators(self) -> np.ndarray | None:
        """The matrices (dim, n, n) of geomstats, ``None`` if a representation acts for them."""
        return self._algebra if self.representation is None else None

    @cached_property
    def exactly_self_adjoint(self) -> bool:
        """Whether the generators are known exactly and closed under transposes."""
        known = self.exact_generators
        return known is not None and self.self_adjoint and closed_under_transposes(known)

    @cached_property
    def basis(self) -> np.ndarray:
        """The orthonormal basis of the Lie algebra, (dim, n, n)."""
        matrices = self._algebra
        rows = orthonormal_rows(matrices.reshape(len(matrices), -1), "basis of the Lie algebra:")
        return rows.reshape(matrices.shape)

    @cached_property
    def generators(self) -> np.ndarray:
        """The matrices by which the basis acts on the parameter, (dim, m, m)."""
        if self.representation is None:
            return self.basis
        return np.stack([self._derivative(B) for B in self.basis])

    def _derivative(self, B: np.ndarray) -> np.ndarray:
        """Return ``d rho(B)``: ``rho(exp(t B)) = exp(t d rho(B))``, so a logarithm has no error."""
        t = 0.5
        while t > 1e-6:
            image = self._image(scipy.linalg.expm(t * B))
            if np.linalg.norm(image - np.eye(len(image))) < 0.5:
                return log_matrix(image) / t
            t /= 2
        raise ValueError(
            "representation is not continuous at the identity: rho(exp(t B)) stays away from I"
        )

    def _vectors(self, k: int) -> np.ndarray:
        """Return a fixed vector in general position, to test identities that are polynomial."""
        x = np.cos((k + 1.0) * np.arange(1, self.dim + 1) + 0.5 * k)
        return 0.3 * x / max(float(np.linalg.norm(x)), 1e-300)

    def _check_algebra(self) -> None:
        X, Y = (self._matrix(self._vectors(k)) for k in (0, 1))
        for bracket in (X @ Y - Y @ X, X @ (X @ Y - Y @ X) - (X @ Y - Y @ X) @ X):
            rest = bracket - self._matrix(self._coordinates(bracket))
            if np.linalg.norm(rest) > 1e-10 * max(1.0, float(np.linalg.norm(bracket))):
                raise ValueError(
                    f"the Lie algebra of {type(self.geomstats_group).__name__} is not closed under "
                    f"brackets: one leaves it by {np.linalg.norm(rest):.3g}"
                )

    def _check_homomorphism(self) -> None:
        x, y = self._vectors(0), self._vectors(1)
        g, h = self.exp(x)[0], self.exp(y)[0]
        rho_g = self._image(g)
        expected = scipy.linalg.expm(np.tensordot(x, self.generators, 1))
        for what, a, b in (
            ("rho(g h) = rho(g) rho(h)", self._image(g @ h), rho_g @ self._image(h)),
            ("rho(exp X) = exp(d rho(X))", rho_g, expected),
        ):
            error = float(np.linalg.norm(a - b))
            if error > 1e-8 * max(1.0, float(np.linalg.norm(b))):
                raise ValueError(f"representation is no homomorphism: {what} fails by {error:.3g}")

    def _image(self, g: np.ndarray) -> np.ndarray:
        """Return ``rho(g)``, (m, m)."""
        if self.representation is None:
            return g
        image = np.asarray(self.representation(g))
        if image.ndim != 2 or image.shape[0] != image.shape[1]:
            raise ValueError(
                f"representation returned an array of shape {image.shape}; expected (m, m)"
            )
        return check_element(image, image.shape, "image of the representation")

    @cached_property
    def compact(self) -> bool:  # type: ignore[override]
        """Whether all generators are skew-symmetric."""
        return bool(np.max(np.abs(self.basis + self.basis.transpose(0, 2, 1))) < 1e-12)

    @cached_property
    def self_adjoint(self) -> bool:  # type: ignore[override]
        """Whether the generators on the parameter span a space closed under transposes."""
        rows = self.generators.reshape(self.dim, -1)
        turned = self.generators.transpose(0, 2, 1).reshape(self.dim, -1)
        _, values, Vh = np.linalg.svd(rows, full_matrices=False)
        Vh = Vh[values > 1e-10 * max(float(values[0]), 1e-300)]
        return bool(np.linalg.norm(turned - turned @ Vh.T @ Vh) < 1e-10 * np.linalg.norm(turned))

    @property
    def dim(self) -> int:
        """Dimension of the Lie algebra."""
        return len(self.basis)

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Name and shape of the parameter."""
        return {self.name: (self.generators.shape[-1],)}

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The first axis of the parameter."""
        return frozenset({(self.name, 0)})

    def _matrix(self, x: np.ndarray) -> np.ndarray:
        return np.tensordot(x, self.basis, 1)

    def _coordinates(self, X: np.ndarray) -> np.ndarray:
        return np.tensordot(self.basis, X, 2)

    def _element(self, g: Any) -> Pair:
        return check_pair(g, self.basis.shape[-1], "group element")

    def images(self, g: Any) -> Pair:
        """Return the matrices (m, m) by which ``g`` and its inverse act.

        Parameters
        ----------
        g : group element
            A pair of matrices (n, n).

        Returns
        -------
        tuple of (array (m, m), array (m, m))
        """
        a, b = self._element(g)
        return self._image(a), self._image(b)

    def element(self, point: Any) -> Pair:
        """Return the element of a matrix (n, n) of the geomstats group.

        Parameters
        ----------
        point : array (n, n)
            A point of the geomstats group.

        Returns
        -------
        tuple of (array (n, n), array (n, n))
            The matrix and its inverse.

        Raises
        ------
        DomainError
            If the matrix does not belong to the group, or to the component of
            the identity (determinant <= 0).
        ValueError
            If its shape is wrong.
        """
        g = self._element((point, None))
        # belongs() of GL(n) compares |det| with an absolute tolerance: ask the algebra as well
        if not bool(np.all(self.geomstats_group.belongs(g[0]))):
            self.log(g)
        return g

    def identity(self) -> Pair:
        """Return the identity matrix and its inverse."""
        n = self.basis.shape[-1]
        return np.eye(n), np.eye(n)

    def compose(self, g: Any, h: Any) -> Pair:
        """Return the matrix product."""
        (a, a_inverse), (b, b_inverse) = self._element(g), self._element(h)
        return a @ b, b_inverse @ a_inverse

    def inverse(self, g: Any) -> Pair:
        """Swap the matrix with its inverse."""
        a, b = self._element(g)
        return b, a

    def exp(self, x: np.ndarray) -> Pair:
        """Return the matrix exponential and its inverse."""
        return exp_pair(self._matrix(algebra_vector(x, self.dim)))

    def log(self, g: Any) -> np.ndarray:
        """Return the coordinates of the principal logarithm.

        Raises
        ------
        DomainError
            If there is no real principal logarithm in the Lie algebra.
        """
        X = log_matrix(self._element(g)[0])
        x = self._coordinates(X)
        rest = float(np.linalg.norm(X - self._matrix(x)))
        if rest > 1e-7 * max(1.0, float(np.linalg.norm(X))):
            raise DomainError(
                f"no element of {type(self.geomstats_group).__name__}: its logarithm leaves the "
                f"Lie algebra by {rest:.3g}"
            )
        return x

    def algebra_basis(self) -> Basis:
        """Return the orthonormalised basis of geomstats' Lie algebra."""
        return Basis(self.dim, lambda i: self.basis[i].copy())

    def distance(self, g: Any) -> float:
        """Return ``||log g||_F / sqrt(2)`` for rotations, else ``1/2 ||log g^T g||_F``."""
        if self.compact:
            return float(np.linalg.norm(self.log(g)) / np.sqrt(2.0))
        return stretch_distance(self._element(g)[0])

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector."""
        return self._coordinates(exp_pullback_matrix(self._matrix(x), self._matrix(m)))

    def _transform(self, matrix: np.ndarray, w: Parameters) -> dict[str, Any]:
        self.check_parameters(w)
        return {**w, self.name: multiply_axis(w[self.name], 0, matrix)}

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return ``rho(g) w``."""
        return self._transform(self._image(self._element(g)[0]), w)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``rho(g) u``: the action is linear."""
        return self.act(g, u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``rho(g^-1)^T v``."""
        return self._transform(self._image(self._element(g)[1]).T, v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``d rho(X) w``."""
        self.check_parameters(w)
        matrix = np.tensordot(algebra_vector(x, self.dim), self.generators, 1)
        moved = multiply_axis(w[self.name], 0, matrix)
        return {name: moved if name == self.name else 0 * a for name, a in w.items()}

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return ``<d rho(B_i), p w^T>``, shape ``(dim,)``."""
        self.check_parameters(w)
        pairing = host(gram(p[self.name], w[self.name], 0, diagonal=False))
        return np.tensordot(self.generators, pairing, 2)

    @property
    def manifold(self) -> Any:
        """The geomstats group."""
        return self.geomstats_group
