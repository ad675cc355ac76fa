"""Activation functions with first and second derivatives and inverses."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import array_api_compat
import array_api_compat.numpy as numpy_namespace
import numpy as np

from .._arrays import Array, namespace
from .._checks import check_number, shown
from .._errors import DomainError

__all__ = ["ACTIVATIONS", "Activation", "LeakyReLU", "resolve_activation"]


class Activation(Protocol):
    """An elementwise function of pre-activations.

    ``homogeneous`` means ``f(s z) = s f(z)`` for all s > 0: such a function is linear on both
    half-lines, its second derivative zero. ``bijective`` means onto its range, so that
    ``inverse`` exists there.
    """

    @property
    def name(self) -> str:
        """Name as in ``MLP(activation=name)``."""
        ...

    @property
    def homogeneous(self) -> bool:
        """Whether f(s z) = s f(z) for positive s."""
        ...

    @property
    def bijective(self) -> bool:
        """Whether ``inverse`` exists on the range."""
        ...

    def __call__(self, z: Array) -> Array:
        """Return f(z)."""
        ...

    def derivative(self, z: Array) -> Array:
        """Return f'(z)."""
        ...

    def second_derivative(self, z: Array) -> Array:
        """Return f''(z)."""
        ...

    def inverse(self, h: Array) -> Array:
        """Return z with f(z) = h."""
        ...


def _xp(z: Array) -> Any:
    if type(z) is np.ndarray and z.dtype.kind == "f":
        return numpy_namespace  # the common case
    return namespace({"z": z}, "array")


def _constant(value: float, z: Array) -> Array:
    """Return a 0-d array in the dtype of ``z``: not all namespaces take plain numbers."""
    if isinstance(z, np.ndarray):
        return z.dtype.type(value)
    return _xp(z).asarray(value, dtype=z.dtype, device=array_api_compat.device(z))


def _no_inverse(name: str) -> TypeError:
    return TypeError(
        f"activation {name!r} is not one-to-one and has no inverse; "
        "linear, leaky_relu, tanh and sigmoid have one"
    )


def _check_range(name: str, h: Array, low: float, high: float) -> None:
    xp = _xp(h)
    if not bool(xp.all((h > low) & (h < high))):
        raise DomainError(
            f"inverse of {name}: values in [{float(xp.min(h)):.6g}, {float(xp.max(h)):.6g}] "
            f"leave its range ({low:g}, {high:g})"
        )


@dataclass(frozen=True)
class Linear:
    """The identity."""

    name: ClassVar[str] = "linear"
    homogeneous: ClassVar[bool] = True
    bijective: ClassVar[bool] = True

    def __call__(self, z: Array) -> Array:
        """Return z itself, not a copy."""
        return z

    def derivative(self, z: Array) -> Array:
        """Return ones."""
        return _xp(z).ones_like(z)

    def second_derivative(self, z: Array) -> Array:
        """Return zeros."""
        return _xp(z).zeros_like(z)

    def inverse(self, h: Array) -> Array:
        """Return h."""
        return h


@dataclass(frozen=True)
class ReLU:
    """The positive part; its derivative at 0 is taken as 0."""

    name: ClassVar[str] = "relu"
    homogeneous: ClassVar[bool] = True
    bijective: ClassVar[bool] = False

    def __call__(self, z: Array) -> Array:
        """Return max(z, 0)."""
        return _xp(z).maximum(z, _constant(0.0, z))

    def derivative(self, z: Array) -> Array:
        """Return 1 where z > 0, else 0."""
        return _xp(z).astype(z > 0, z.dtype)

    def second_derivative(self, z: Array) -> Array:
        """Return zeros."""
        return _xp(z).zeros_like(z)

    def inverse(self, h: Array) -> Array:
        """Raise ``TypeError``."""
        raise _no_inverse(self.name)


@dataclass(frozen=True)
class LeakyReLU:
    """The function z for z > 0 and ``slope * z`` elsewhere.

    Parameters
    ----------
    slope : float
        Positive and finite; the derivative at 0 as well.

    Raises
    ------
    ValueError, TypeError
        If the slope is not a positive finite number.

    References
    ----------
    [Maa13] Maas, Hannun & Ng, *Rectifier nonlinearities improve neural network acoustic models*,
    ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> f = lt.losses.LeakyReLU(0.25)
    >>> f(np.array([-2.0, 3.0]))
    array([-0.5,  3. ])
    >>> f.inverse(f(np.array([-2.0, 3.0])))
    array([-2.,  3.])
    """

    slope: float = 0.1
    name: ClassVar[str] = "leaky_relu"
    homogeneous: ClassVar[bool] = True
    bijective: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the slope."""
        given: Any = self.slope
        number = check_number("slope", given, above=0.0)
        if not isinstance(given, numbers.Rational):  # exact ones stay as they are
            object.__setattr__(self, "slope", number)

    def __call__(self, z: Array) -> Array:
        """Return z where z > 0, else ``slope * z``."""
        xp = _xp(z)
        pick = xp.maximum if self.slope <= 1 else xp.minimum
        return pick(z, self.slope * z)

    def derivative(self, z: Array) -> Array:
        """Return 1 where z > 0, else ``slope``.

        Parameters
        ----------
        z : array (...)
            Pre-activations, of any shape.

        Returns
        -------
        array (...)
            The derivative, entry by entry.
        """
        positive = _xp(z).astype(z > 0, z.dtype)  # no branch to mispredict, unlike where
        return positive + self.slope * (1 - positive)

    def second_derivative(self, z: Array) -> Array:
        """Return zeros.

        Parameters
        ----------
        z : array (...)
            Pre-activations, of any shape.

        Returns
        -------
        array (...)
            Zero, at the kink as well.
        """
        return _xp(z).zeros_like(z)

    def inverse(self, h: Array) -> Array:
        """Return h where h > 0, else ``h / slope``.

        Parameters
        ----------
        h : array (...)
            Activations, of any shape.

        Returns
        -------
        array (...)
            The argument, entry by entry.
        """
        xp = _xp(h)
        pick = xp.minimum if self.slope <= 1 else xp.maximum
        return pick(h, h / self.slope)


def _squared_sech(z: Array) -> Array:
    """Return 1 - tanh(z)^2 with all its digits for large z."""
    xp = _xp(z)
    e = xp.exp(-2 * xp.abs(z))
    return 4 * e / ((1 + e) * (1 + e))


@dataclass(frozen=True)
class Tanh:
    """The hyperbolic tangent."""

    name: ClassVar[str] = "tanh"
    homogeneous: ClassVar[bool] = False
    bijective: ClassVar[bool] = True

    def __call__(self, z: Array) -> Array:
        """Return tanh(z)."""
        return _xp(z).tanh(z)

    def derivative(self, z: Array) -> Array:
        """Return 1 - tanh(z)^2."""
        return _squared_sech(z)

    def second_derivative(self, z: Array) -> Array:
        """Return -2 tanh(z) (1 - tanh(z)^2)."""
        return -2 * _xp(z).tanh(z) * _squared_sech(z)

    def inverse(self, h: Array) -> Array:
        """Return artanh(h); ``DomainError`` unless all |h| < 1."""
        _check_range(self.name, h, -1.0, 1.0)
        return _xp(h).atanh(h)


@dataclass(frozen=True)
class Sigmoid:
    """The logistic function, without overflow."""

    name: ClassVar[str] = "sigmoid"
    homogeneous: ClassVar[bool] = False
    bijective: ClassVar[bool] = True

    def __call__(self, z: Array) -> Array:
        """Return 1 / (1 + exp(-z))."""
        xp = _xp(z)
        e = xp.exp(-xp.abs(z))
        return xp.where(z >= 0, _constant(1.0, z), e) / (1 + e)

    def derivative(self, z: Array) -> Array:
        """Return s (1 - s)."""
        return _squared_sech(z / 2) / 4

    def second_derivative(self, z: Array) -> Array:
        """Return s (1 - s) (1 - 2 s)."""
        return -_xp(z).tanh(z / 2) * self.derivative(z)

    def inverse(self, h: Array) -> Array:
        """Return log(h / (1 - h)); ``DomainError`` unless all 0 < h < 1."""
        _check_range(self.name, h, 0.0, 1.0)
        xp = _xp(h)
        return xp.log(h) - xp.log1p(-h)


_GELU_SCALE, _GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


@dataclass(frozen=True)
class GELU:
    r"""The tanh form :math:`\tfrac z2 (1 + \tanh u)`, :math:`u = \sqrt{2/\pi} (z + c z^3)`."""

    name: ClassVar[str] = "gelu"
    homogeneous: ClassVar[bool] = False
    bijective: ClassVar[bool] = False

    def _u(self, z: Array) -> tuple[Array, Array, Array]:
        """Return u and its first two derivatives."""
        square = z * z
        return (
            _GELU_SCALE * (z + _GELU_CUBIC * (square * z)),
            _GELU_SCALE * (1 + 3 * _GELU_CUBIC * square),
            6 * _GELU_SCALE * _GELU_CUBIC * z,
        )

    def __call__(self, z: Array) -> Array:
        """Return the function at z."""
        return z * Sigmoid()(2 * self._u(z)[0])

    def derivative(self, z: Array) -> Array:
        """Return the first derivative at z."""
        u, du, _ = self._u(z)
        return Sigmoid()(2 * u) + z * (_squared_sech(u) / 2) * du

    def second_derivative(self, z: Array) -> Array:
        """Return the second derivative at z."""
        u, du, ddu = self._u(z)
        bump = _squared_sech(u) / 2
        return 2 * bump * du + z * bump * (ddu - 2 * _xp(z).tanh(u) * du * du)

    def inverse(self, h: Array) -> Array:
        """Raise ``TypeError``."""
        raise _no_inverse(self.name)


ACTIVATIONS = ("linear", "relu", "leaky_relu", "tanh", "sigmoid", "gelu")


def resolve_activation(activation: Any) -> Any:
    """Return the activation of a name, or check that an object can serve as one."""
    if isinstance(activation, str):
        for kind in (Linear, ReLU, LeakyReLU, Tanh, Sigmoid, GELU):
            if kind.name == activation:
                return kind()
        raise ValueError(
            f"unknown activation {activation!r}; expected one of "
            f"{', '.join(ACTIVATIONS)} or LeakyReLU(slope)"
        )
    missing = [a for a in ("name", "derivative", "homogeneous") if not hasattr(activation, a)]
    if isinstance(activation, type) or not callable(activation) or missing:
        raise TypeError(
            f"activation is {shown(activation)}; expected one of {', '.join(ACTIVATIONS)}, "
            "LeakyReLU(slope) or an object with name, homogeneous, __call__ and derivative"
        )
    return activation
