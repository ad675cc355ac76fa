"""The abstract symmetry group: action, exponential map, Lie algebra, invariance check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._arrays import (
    Parameters,
    epsilon,
    host,
    namespace,
    norm,
    smallest_normal,
)
from .._checks import check_integer, check_number, check_rng
from .._errors import DomainError
from .._guarded import Guarded, owned
from ._doors import algebra_vector, check_element, check_only, hang_doors
from ._rounding import loss_rounding

__all__ = [
    "Basis",
    "InvarianceReport",
    "SymmetryGroup",
    "algebra_vector",
    "allowed_change",
    "check_element",
    "check_only",
]

Scope = Literal["function", "loss", "batch"]


@dataclass(frozen=True, eq=False)
class InvarianceReport:
    """What :meth:`SymmetryGroup.check_invariance` found.

    Attributes
    ----------
    passed : bool
        Whether every trial stayed within the allowed change of the loss.
    max_drift : float
        Largest relative change of the loss over the trials.
    worst_element : object
        The group element of that trial.

    Examples
    --------
    General linear maps of the hidden layer leave a linear network as it is, but not one with
    ReLU in between.

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> rng = np.random.default_rng(0)
    >>> data = {"inputs": rng.normal(size=(5, 2)), "targets": rng.normal(size=(5, 1))}
    >>> linear = lt.losses.MLP([2, 3, 1], activation="linear", **data)
    >>> relu = lt.losses.MLP([2, 3, 1], activation="relu", **data)
    >>> group, w = linear.symmetry(), linear.init(rng)
    >>> group.check_invariance(linear, w, rng=rng).passed
    True
    >>> report = group.check_invariance(relu, w, rng=rng)
    >>> report.passed, report.max_drift > 1e-3
    (False, True)
    """

    passed: bool
    max_drift: float
    worst_element: Any


class Basis(Sequence[np.ndarray]):
    """A lazy sequence of matrices: element ``i`` is built when it is asked for."""

    def __init__(self, length: int, element: Callable[[int], np.ndarray]) -> None:
        self._length = length
        self._element = element

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._element(i) for i in range(*index.indices(self._length))]
        i = index + self._length if index < 0 else index
        if not 0 <= i < self._length:
            raise IndexError(f"basis element {index} of {self._length}")
        return self._element(i)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self._element(i) for i in range(self._length))


def allowed_change(
    w: Parameters, loss_before: float, gradient_norm: float, rtol: float | None = None
) -> float:
    """Return the change of the loss that rounding alone may cause.

    ``rtol |L| + 64 eps ||grad L(w')|| ||w'||`` with ``rtol = 4096 eps`` of the
    dtype of ``w`` unless given: moving ``w`` rounds it, and the loss moves by
    up to ``eps * sum |w_i d_i L|`` whatever the code does. Below the smallest normal number
    floats are no longer that exact: there ``|L|`` counts as that number.
    """
    eps = epsilon(w)
    rtol = 4096 * eps if rtol is None else rtol
    return rtol * max(abs(loss_before), smallest_normal(w)) + 64 * eps * gradient_norm * norm(w)


class SymmetryGroup(ABC):
    """A Lie group acting on the parameters of a loss and leaving the loss unchanged.

    Elements ``g`` and algebra vectors ``x`` are NumPy float64 whatever library
    the parameters ``w`` use; ``x`` has shape ``(dim,)``, coordinates in
    :meth:`algebra_basis`.

    Attributes
    ----------
    dim : int
        Dimension of the group.
    compact : bool
        Whether the group is compact.
    linear : bool
        Whether the action is linear in the parameters.
    diagonal : bool
        Whether the action multiplies every parameter entry by a number.
    scope : {"function", "loss", "batch"}
        Where the invariance holds: for every input of the network, for the
        loss only, or only on the data the action was built from.
    self_adjoint : bool
        Whether the action is linear and its algebra is closed under transposes,
        as matrices on the parameters. Then every critical point of the norm on
        an orbit is its global minimum (Kempf & Ness 1979). ``False`` unless a
        group says otherwise.
    translational : bool
        Whether the action is not linear because it, or a factor of it,
        translates: generators are linear in the parameters or constant.
    moves_inputs : bool
        Whether the group moves the data too, see :meth:`act_on_inputs`.
    shapes : dict of str to tuple
        The parameters acted on; ``None`` is a free length, and trailing axes
        may follow for groups on hidden indices.
    acts_on : frozenset of (str, int or None)
        Axes that move; ``None`` stands for the whole array.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    [Hal15] Hall, *Lie Groups, Lie Algebras, and Representations*, 2nd edition, 2015:
    matrix Lie groups, the exponential map, representations.

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.

    Examples
    --------
    The gradient anywhere on an orbit follows from the gradient at one point:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    >>> loss = lt.losses.MLP([3, 4, 2], activation="relu", inputs=X, targets=Y)
    >>> group, w = loss.symmetry(), loss.init(rng)
    >>> isinstance(group, lt.SymmetryGroup), group.dim, group.scope
    (True, 4, 'function')
    >>> g = group.random_element(rng)
    >>> there = group.act(g, w)
    >>> bool(np.isclose(loss.value(there), loss.value(w)))
    True
    >>> predicted = group.act_cotangent(g, w, loss.gradient(w))
    >>> np.allclose(predicted["W1"], loss.gradient(there)["W1"])
    True
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hang_doors(cls)

    compact: bool
    linear: bool
    diagonal: bool
    scope: Scope
    self_adjoint: bool = False
    translational: bool = False
    moves_inputs: bool = False

    @property
    @abstractmethod
    def dim(self) -> int:
        """Dimension of the group."""

    @property
    @abstractmethod
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of the parameters acted on."""

    @property
    @abstractmethod
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The (parameter, axis) pairs that move; axis ``None`` is all of them."""

    # -- the group ------------------------------------------------------------
    @abstractmethod
    def identity(self) -> Any:
        """Return the neutral element.

        Returns
        -------
        group element
            It acts as nothing does: ``act(identity(), w)`` is ``w``.
        """

    @abstractmethod
    def compose(self, g: Any, h: Any) -> Any:
        """Return ``g h``: first ``h`` acts, then ``g``.

        Parameters
        ----------
        g, h : group element
            The factors.

        Returns
        -------
        group element
            With ``act(compose(g, h), w) = act(g, act(h, w))``.

        Raises
        ------
        ValueError
            If an element does not have the form that this group's elements have.
        """

    @abstractmethod
    def inverse(self, g: Any) -> Any:
        """Return the inverse of ``g``.

        Parameters
        ----------
        g : group element
            What is inverted.

        Returns
        -------
        group element
            With ``compose(g, inverse(g)) = identity()``.

        Raises
        ------
        ValueError
            If ``g`` does not have the form that this group's elements have.
        """

    @abstractmethod
    def exp(self, x: np.ndarray) -> Any:
        """Return the exponential of the algebra vector ``x`` of shape ``(dim,)``.

        Parameters
        ----------
        x : array (dim,)
            Algebra vector, coordinates in :meth:`algebra_basis`.

        Returns
        -------
        group element
            The point at time 1 of the one-parameter subgroup of ``x``.

        Raises
        ------
        ValueError
            If ``x`` has another shape.
        DomainError
            If an entry of the result would overflow or is not finite.
        """

    @abstractmethod
    def log(self, g: Any) -> np.ndarray:
        """Return an algebra vector of shape ``(dim,)`` whose exponential is ``g``.

        Parameters
        ----------
        g : group element
            In the image of :meth:`exp`.

        Returns
        -------
        array (dim,)
            Coordinates in :meth:`algebra_basis`, float64.

        Raises
        ------
        DomainError
            If ``g`` has no real logarithm.
        """

    @abstractmethod
    def algebra_basis(self) -> Sequence[np.ndarray]:
        """Return the basis of the Lie algebra as a lazy sequence of ``dim`` matrices.

        The matrices are orthonormal in the Frobenius product.

        Returns
        -------
        sequence of array (k, k)
            ``dim`` matrices, each built when it is asked for.
        """

    @abstractmethod
    def distance(self, g: Any) -> float:
        """Return the geodesic distance of ``g`` from the identity, where it matters.

        Parameters
        ----------
        g : group element
            The end of the geodesic from the identity.

        Returns
        -------
        float
            Of scales the norm of their logarithms; of matrices ``1/2 ||log g^T g||_F``, zero on
            rotations; of rotations ``||log R||_F / sqrt(2)``, the root of the sum of the squared
            angles in radians. Products add squares.

        Raises
        ------
        DomainError
            If ``g`` has no real logarithm, where one is needed.
        """

    @abstractmethod
    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Pull a covector at ``exp(x)`` back to the algebra.

        Given ``m`` with ``d/dt f(exp(t y) exp(x)) = <m, y>`` at ``t = 0``,
        return the gradient of ``x -> f(exp(x))``, shape ``(dim,)``.

        Parameters
        ----------
        x : array (dim,)
            Algebra vector: the point of departure is ``exp(x)``.
        m : array (dim,)
            The covector there.

        Returns
        -------
        array (dim,)
            The covector at ``x``.
        """

    # -- the action -----------------------------------------------------------
    @abstractmethod
    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return ``g . w``; ``w`` is left as it is.

        Parameters
        ----------
        g : group element
            What acts.
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``w``.

        Raises
        ------
        ValueError
            If an element, a name or a shape is not as expected.
        TypeError
            If array libraries or dtypes are mixed.
        DomainError
            If the action is not defined there.
        """

    @abstractmethod
    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return the Jacobian of ``w -> g . w`` applied to ``u``.

        Parameters
        ----------
        g : group element
            What acts.
        w : dict of str to array
            The parameters, in any array library; not changed.
        u : dict of str to array
            A tangent vector at ``w``, of the shapes of ``w``.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``u``. A tangent vector at ``g . w``.

        Raises
        ------
        ValueError
            If an element, a name or a shape is not as expected.
        TypeError
            If array libraries or dtypes are mixed.
        DomainError
            If the action is not defined there.
        """

    @abstractmethod
    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return the inverse transposed Jacobian of ``w -> g . w`` applied to ``v``.

        Gradients move this way: ``grad L(g.w) = act_cotangent(g, w, grad L(w))``.

        Parameters
        ----------
        g : group element
            What acts.
        w : dict of str to array
            The parameters, in any array library; not changed.
        v : dict of str to array
            A covector at ``w``, of the shapes of ``w``, such as a gradient.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``v``. A covector at ``g . w``.

        Raises
        ------
        ValueError
            If an element, a name or a shape is not as expected.
        TypeError
            If array libraries or dtypes are mixed.
        DomainError
            If the action is not defined there.
        """

    @abstractmethod
    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return the infinitesimal action, ``d/dt exp(t x) . w`` at ``t = 0``.

        Parameters
        ----------
        x : array (dim,)
            Algebra vector.
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``w``. Zero where the group does not act.

        Raises
        ------
        ValueError
            If ``x``, a name or a shape is not as expected.
        TypeError
            If array libraries or dtypes are mixed.
        DomainError
            If the action is not defined there.
        """

    @abstractmethod
    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return the algebra vector ``m`` with ``<m, x> = <p, generator(x, w)>``.

        This is the moment map of the action lifted to the cotangent space.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.
        p : dict of str to array
            A covector at ``w``, of the shapes of ``w``.

        Returns
        -------
        array (dim,)
            On the host, float64; with ``p`` a gradient it is zero where the group leaves the loss
            as it is.

        Raises
        ------
        ValueError
            If a name or a shape is not as expected.
        TypeError
            If array libraries or dtypes are mixed.
        DomainError
            If the action is not defined there.
        """

    @property
    @abstractmethod
    def manifold(self) -> Any:
        """The geomstats space that the group is (built on access).

        Raises
        ------
        DomainError
            Where geomstats cannot build it: size 1, or dense arrays beyond memory.
        """

    # -- final methods --------------------------------------------------------
    def moment_map(self, v: Parameters, u: Parameters | None = None) -> np.ndarray:
        r"""Return the moment map of a linear action, shape ``(dim,)``.

        .. math:: \langle\mu(v,u),X\rangle =
            \tfrac12(\langle d\rho(X)v,u\rangle + \langle d\rho(X)u,v\rangle)

        On the parameters ``moment_map(w)`` is what gradient flow conserves; on
        a gradient, which moves in the dual representation, minus twice it is
        the derivative of the squared norm along the orbit (Kempf & Ness 1979).

        Parameters
        ----------
        v : dict of str to array
            Parameters, or a gradient.
        u : dict of str to array, optional
            The second argument of the bilinear form; ``v`` unless given.

        Returns
        -------
        array (dim,)
            On the host, float64.

        Raises
        ------
        TypeError
            If the action is not linear.

        References
        ----------
        [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.
        """
        if not self.linear:
            raise TypeError(
                f"the moment map needs a linear action; {type(self).__name__} is not linear"
            )
        if u is None or u is v:
            return self.generator_adjoint(v, v)
        if self.diagonal:  # symmetric in its arguments already
            return self.generator_adjoint(v, u)
        return (self.generator_adjoint(v, u) + self.generator_adjoint(u, v)) / 2

    def conserved(self, w: Parameters) -> np.ndarray:
        """Return what gradient flow conserves (Noether), shape ``(dim,)``.

        Coordinates that belong to generators acting by symmetric matrices, or
        by translations: on a linear layer ``W1 W1^T - W2^T W2``, on a ReLU unit
        ``|w_in|^2 - |w_out|^2``, for a translation by ``c`` the product ``<c, w>``.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        array (dim,)
            On the host, float64.

        Raises
        ------
        TypeError
            If the action neither is linear nor translates: no such quantity is
            known in general.

        References
        ----------
        [Zha23] Zhao et al., *Symmetries, flat minima, and the conserved quantities of gradient
        flow*, ICLR 2023.
        """
        if not (self.linear or self.translational):
            raise TypeError(
                "conserved quantities need an action that is linear or translates; "
                f"{type(self).__name__} does neither"
            )
        return self.generator_adjoint(w, w)

    def act_on_inputs(self, g: Any, X: Any) -> Any:
        """Return what ``g`` does to the data in ``L(g.(w, X)) = L(w, X)``.

        Most groups leave the data alone and return ``X`` itself; those with
        :attr:`moves_inputs` return new data of the same library and device.

        Parameters
        ----------
        g : group element
            What acts.
        X : array, shape (samples, features)
            In any array library; integers are taken as float64.

        Returns
        -------
        array, shape (samples, features)
        """
        return self._move_inputs(g, X) if self.moves_inputs else X

    def _move_inputs(self, g: Any, X: Any) -> Any:
        """Move the data: to be written by groups with ``moves_inputs``, and only by them."""
        raise NotImplementedError(f"{type(self).__name__} says that it moves inputs, but not how")

    def act_on_loss(self, g: Any, loss: Any) -> Any:
        """Return the loss that ``act(g, w)`` belongs to: ``loss`` on the data that ``g`` moved.

        Where the group leaves the data alone this is ``loss`` itself.

        Parameters
        ----------
        g : group element
            What acts.
        loss : Loss
            The loss at ``w``.

        Returns
        -------
        Loss
            The loss at ``g . w``.

        Raises
        ------
        TypeError
            If the group moves inputs and the loss has no ``inputs`` and ``with_inputs``.
        """
        if not self.moves_inputs:
            return loss
        if not hasattr(loss, "inputs") or not hasattr(loss, "with_inputs"):
            raise TypeError(
                f"{type(self).__name__} moves the data with the parameters; "
                f"{type(loss).__name__} has no inputs and with_inputs(X) to move them by"
            )
        # in float64 whatever the data are stored in: the loss casts them as it needs
        return loss.with_inputs(self.act_on_inputs(g, host(loss.inputs)))

    def geodesic(self, g: Any, h: Any, t: float) -> Any:
        """Return the point at ``t`` of the geodesic from ``g`` (t = 0) to ``h`` (t = 1).

        ``exp(t log(h g^-1)) g``: a translated one-parameter subgroup, the
        geodesic of the Cartan-Schouten connection. On groups that are abelian
        or compact, and on products of such, it is also the shortest path of
        the bi-invariant metric, and :meth:`distance` grows with ``t`` at
        constant speed. ``t`` outside [0, 1] extrapolates.

        Parameters
        ----------
        g, h : group element
            Where it starts and ends.
        t : float
            The time.

        Returns
        -------
        group element

        Raises
        ------
        DomainError
            If ``h g^-1`` has no real logarithm.
        TypeError, ValueError
            If ``t`` is no number, or not finite.
        """
        t = check_number("t", t)
        return self.compose(self.exp(t * self.log(self.compose(h, self.inverse(g)))), g)

    def random_element(self, rng: np.random.Generator, scale: float = 1.0) -> Any:
        """Return ``exp(x)`` for a uniformly random direction ``x`` with ``||x||_2 = scale``.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the direction.
        scale : float
            The length of ``x``.

        Returns
        -------
        group element
            The identity if ``dim`` is 0.

        Raises
        ------
        TypeError
            If ``rng`` is not a generator, or ``scale`` no number.
        ValueError
            If ``scale`` is not finite.
        """
        rng, scale = check_rng(rng), check_number("scale", scale)
        x = rng.standard_normal(self.dim)
        length = float(np.linalg.norm(x))
        return self.exp(x * (scale / length) if length > 0 else x)

    @np.errstate(all="ignore")
    def check_invariance(
        self,
        loss: Any,
        w: Parameters,
        *,
        rng: np.random.Generator,
        trials: int = 20,
        rtol: float | None = None,
    ) -> InvarianceReport:
        """Compare the loss at ``w`` with the loss at random points of its orbit.

        A group that moves the data as well is held to ``L(g.(w, X)) = L(w, X)``.

        Parameters
        ----------
        loss : Loss
            The loss that should not move.
        w : dict of str to array
            Where to test.
        rng : numpy.random.Generator
            Source of the random elements.
        trials : int
            Number of elements.
        rtol : float, optional
            Allowed relative change; ``4096 eps`` of the dtype unless given. What
            rounding of the parameters alone may cause is allowed on top.

        Returns
        -------
        InvarianceReport

        Raises
        ------
        ValueError
            If ``trials`` is less than 1, or ``rtol`` negative.
        TypeError
            If an argument is of another kind, or the loss returns no number or no gradient.
        DomainError
            If the loss at ``w`` is not finite.
        """
        trials, rng = check_integer("trials", trials, least=1), check_rng(rng)
        rtol = None if rtol is None else check_number("rtol", rtol, least=0.0)
        self.check_parameters(w)
        loss, w = Guarded.of(loss), owned(w)
        before = loss.value(w)
        if not np.isfinite(before):
            raise DomainError(f"the loss at the given parameters is {before}; expected it finite")
        passed, worst, worst_element = True, -1.0, self.identity()
        for _ in range(trials):
            g = self.random_element(rng)
            moved = self.act(g, w)
            there = Guarded.of(self.act_on_loss(g, loss))
            change = abs(there.value(moved) - before)
            drift = change / abs(before) if before else (np.inf if change else 0.0)
            allowed = allowed_change(moved, before, norm(there.gradient(moved)), rtol)
            if not change <= allowed:
                # what the loss rounds by itself is asked only where it decides
                allowed += loss_rounding(loss, w) + loss_rounding(there, moved)
            if not change <= allowed:
                passed = False
            if not drift <= worst:
                worst, worst_element = float(drift), g
        return InvarianceReport(passed, worst, worst_element)

    def check_parameters(self, w: Parameters) -> Any:
        """Check names and shapes of ``w`` and return its array namespace.

        Parameters
        ----------
        w : dict of str to array
            Parameters to act on.

        Returns
        -------
        module
            The array namespace of their library.

        Raises
        ------
        ValueError
            If a parameter the group acts on is missing or has another shape.
        TypeError
            If libraries, dtypes or devices are mixed.
        """
        xp = namespace(w)
        missing = [name for name in self.shapes if name not in w]
        if missing:
            raise ValueError(
                f"parameters: missing {missing}; {type(self).__name__} acts on {list(self.shapes)}"
            )
        for name, shape in self.shapes.items():
            got = tuple(w[name].shape)
            for axis, length in enumerate(shape):
                if axis >= len(got) or length not in (None, got[axis]):
                    raise ValueError(
                        f"parameter {name!r} has shape {got}; {type(self).__name__} expected "
                        f"length {length} on axis {axis}"
                    )
        return xp
