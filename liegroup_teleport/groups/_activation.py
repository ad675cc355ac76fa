"""The data-dependent action of GL on hidden states, through an invertible activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Array, Parameters, cast, host, is_symbolic
from .._checks import shown
from ._base import Basis, SymmetryGroup, check_only
from ._general_linear import GeneralLinear, Pair
from ._hidden import HiddenIndex
from ._pseudo_inverse import pseudo_inverse

__all__ = ["ActivationGL"]


@dataclass(frozen=True)
class _Layer:
    """What one weight layer needs of a forward pass; samples are rows."""

    weight: Array
    inputs: Array  # H_{m-1}, (samples, in)
    pinv: Array  # its pseudo-inverse, (in, samples)
    states: Array  # Z_m, (samples, out)


@dataclass(frozen=True)
class ActivationGL(SymmetryGroup):
    """GL+ acting on the hidden states of one batch of an MLP.

    For ``H_m -> H_m g_m^T`` the weights become, with samples as rows,

    ``W'_m = [W_m + ((H_{m-1})^+ (Z'_m - Z_m))^T] g_{m-1}^-1``,
    ``Z'_m = sigma^-1(H_m g_m^T)``; biases stay.

    This completes the published form, whose identity moves the weights: the
    part of ``W_m`` off the span of the batch is kept. Exact on the batch when
    every layer's input has full row rank (samples <= width). Composition,
    inverse and cotangent hold on the hidden states, the loss and the gradient
    of the batch; on the weights only where the states are square.

    Parameters
    ----------
    mlp : MLP
        The network with its batch; its activation must be a bijection onto its
        range. LeakyReLU allows every element, tanh and sigmoid only those near
        the identity that keep the states in range.

    Raises
    ------
    TypeError
        If the activation is not a bijection.
    ValueError
        If there is no hidden layer.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022,
    equation (8).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(3, 4)), rng.normal(size=(3, 1))  # samples <= width
    >>> loss = lt.losses.MLP([4, 5, 1], activation="leaky_relu", inputs=X, targets=Y)
    >>> group, w = lt.groups.ActivationGL(loss), loss.init(rng)
    >>> g = group.random_element(rng)
    >>> moved = group.act(g, w)
    >>> np.allclose(loss.forward(moved), loss.forward(w))  # the same on this batch ...
    True
    >>> new = rng.normal(size=(2, 4))
    >>> np.allclose(loss.forward(moved, new), loss.forward(w, new))  # ... and on it only
    False
    """

    mlp: Any

    compact = False
    linear = False
    diagonal = False
    scope = "batch"

    def __post_init__(self) -> None:
        for name in ("activation", "widths", "shapes", "hidden"):
            if isinstance(self.mlp, type) or not hasattr(self.mlp, name):
                raise TypeError(
                    f"mlp is {shown(self.mlp)}, without {name}; expected a network like losses.MLP"
                )
        if not self.mlp.activation.bijective:
            raise TypeError(
                f"activation {self.mlp.activation.name!r} is not bijective; the data-dependent "
                "action needs linear, leaky_relu, tanh or sigmoid"
            )
        if len(self.mlp.widths) < 3:
            raise ValueError(f"widths {self.mlp.widths} have no hidden layer to act on")

    @cached_property
    def matrices(self) -> GeneralLinear:
        """The abstract group: GL+ of each hidden width."""
        widths = self.mlp.widths
        return GeneralLinear(
            tuple(
                HiddenIndex(widths[m], written=[(f"W{m}", 0)], read=[(f"W{m + 1}", 1)])
                for m in range(1, len(widths) - 1)
            )
        )

    @property
    def dim(self) -> int:
        """Sum of the squared hidden widths."""
        return self.matrices.dim

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Shapes of all parameters of the network."""
        return dict(self.mlp.shapes)

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """All parameters: the hidden states of every layer depend on them."""
        return frozenset((name, None) for name in self.mlp.shapes)

    def identity(self) -> tuple[Pair, ...]:
        """Return identity matrices."""
        return self.matrices.identity()

    def compose(self, g: Any, h: Any) -> tuple[Pair, ...]:
        """Return the matrix products."""
        return self.matrices.compose(g, h)

    def inverse(self, g: Any) -> tuple[Pair, ...]:
        """Swap every matrix with its inverse."""
        return self.matrices.inverse(g)

    def exp(self, x: np.ndarray) -> tuple[Pair, ...]:
        """Return the matrix exponentials and their inverses."""
        return self.matrices.exp(x)

    def log(self, g: Any) -> np.ndarray:
        """Return the real principal logarithms, flattened."""
        return self.matrices.log(g)

    def algebra_basis(self) -> Basis:
        """Return the matrix units."""
        return self.matrices.algebra_basis()

    def distance(self, g: Any) -> float:
        """Return ``1/2 ||log g^T g||_F``, zero on rotations."""
        return self.matrices.distance(g)

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector, index by index."""
        return self.matrices.exp_pullback(x, m)

    # -- the action -----------------------------------------------------------
    def _layers(self, w: Parameters) -> list[_Layer]:
        check_only(w, list(self.shapes))
        self.check_parameters(w)
        states, hidden = self.mlp.hidden(w)
        layers = []
        for m, (Z, H) in enumerate(zip(states, hidden[: len(states)], strict=True), start=1):
            if is_symbolic(H):
                raise TypeError("the data-dependent action needs numbers, not symbols")
            layers.append(_Layer(w[f"W{m}"], H, pseudo_inverse(H, m), Z))
        return layers

    def _moved_states(self, g: tuple[Pair, ...], layers: Sequence[_Layer]) -> list[Array]:
        """Return ``Z'_m`` for the hidden layers."""
        sigma = self.mlp.activation
        moved = []
        for (a, _), layer in zip(g, layers[1:], strict=True):
            H = layer.inputs @ cast(a, layer.inputs).T
            moved.append(sigma.inverse(H))
        return moved

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return parameters whose hidden states on the batch are ``H g^T``.

        Raises
        ------
        DomainError
            If a layer's input on the batch has not full row rank, or a moved
            state leaves the range of the activation.
        """
        g = self.matrices._element(g)
        if all(a.dtype != object and np.array_equal(a, np.eye(len(a))) for a, _ in g):
            self.check_parameters(w)
            return dict(w)
        return self._act(g, w, self._layers(w))

    def _act(self, g: tuple[Pair, ...], w: Parameters, layers: Sequence[_Layer]) -> dict[str, Any]:
        out = dict(w)
        moved = self._moved_states(g, layers)
        for m, layer in enumerate(layers):
            W = layer.weight
            if m < len(moved):
                W = W + (layer.pinv @ (moved[m] - layer.states)).T
            if m > 0:
                W = W @ cast(g[m - 1][1], W)
            out[f"W{m + 1}"] = W
        return out

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return the Jacobian of the action applied to ``u``."""
        g = self.matrices._element(g)
        layers = self._layers(w)
        sigma = self.mlp.activation
        moved = self._moved_states(g, layers)
        out = dict(u)
        dH = 0 * layers[0].inputs
        for m, layer in enumerate(layers):
            H, K, W = layer.inputs, layer.pinv, layer.weight
            name = f"W{m + 1}"
            dZ = dH @ W.T + H @ u[name].T
            if f"b{m + 1}" in u:
                dZ = dZ + u[f"b{m + 1}"]
            dW = u[name]
            if m < len(moved):
                dH_next = sigma.derivative(layer.states) * dZ
                a = cast(g[m][0], dH_next)
                dmoved = (dH_next @ a.T) / sigma.derivative(moved[m])
                # derivative of the pseudo-inverse of a matrix of full row rank
                gram_inverse = K.T @ K
                dK = dH.T @ gram_inverse
                dK = dK - K @ (H @ dK) - K @ (dH @ K)
                dW = dW + (dK @ (moved[m] - layer.states) + K @ (dmoved - dZ)).T
                dH = dH_next
            if m > 0:
                dW = dW @ cast(g[m - 1][1], dW)
            out[name] = dW
        return out

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return the gradient of the batch's loss at ``g . w`` from the one at ``w``.

        The output residual, read off the last layer's gradient, does not
        change; the backward signals are computed anew with the moved weights.
        Holds for ``v = grad L(w)`` of the batch, which is what scope "batch" owes.
        """
        g = self.matrices._element(g)
        layers = self._layers(w)
        sigma = self.mlp.activation
        moved = self._moved_states(g, layers)
        weights = self._act(g, w, layers)
        out = dict(v)
        last = len(layers)
        delta = (v[f"W{last}"] @ layers[-1].pinv).T
        for m in range(last, 0, -1):
            layer = layers[m - 1]
            inputs = layer.inputs
            if m > 1:
                inputs = inputs @ cast(g[m - 2][0], inputs).T
            out[f"W{m}"] = delta.T @ inputs
            if f"b{m}" in v:
                xp = array_api_compat.array_namespace(delta)
                out[f"b{m}"] = xp.sum(delta, axis=0)
            if m > 1:
                delta = (delta @ weights[f"W{m}"]) * sigma.derivative(moved[m - 2])
        return out

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return the infinitesimal action."""
        X = self.matrices.matrices(x)
        layers = self._layers(w)
        sigma = self.mlp.activation
        out = {name: 0 * array for name, array in w.items()}
        for m, layer in enumerate(layers):
            dW = 0 * layer.weight
            if m + 1 < len(layers):
                H = layers[m + 1].inputs
                dZ = (H @ cast(X[m], H).T) / sigma.derivative(layer.states)
                dW = dW + (layer.pinv @ dZ).T
            if m > 0:
                dW = dW - layer.weight @ cast(X[m - 1], dW)
            out[f"W{m + 1}"] = dW
        return out

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return the algebra vector dual to :meth:`generator`."""
        layers = self._layers(w)
        sigma = self.mlp.activation
        blocks = []
        for m in range(len(layers) - 1):
            layer, after = layers[m], layers[m + 1]
            pulled = (layer.pinv.T @ p[f"W{m + 1}"].T) / sigma.derivative(layer.states)
            block = host(pulled).T @ host(after.inputs)
            block = block - host(after.weight).T @ host(p[f"W{m + 2}"])
            blocks.append(block.ravel())
        return np.concatenate(blocks)

    @property
    def manifold(self) -> Any:
        """The product of general linear groups, in geomstats."""
        return self.matrices.manifold
