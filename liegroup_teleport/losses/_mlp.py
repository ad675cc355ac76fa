"""Multilayer perceptrons as losses, with exact derivatives in any array library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import array_api_compat
import numpy as np

from .._arrays import (
    Array,
    Parameters,
    cast,
    check_names,
    check_same_layout,
    check_shape,
    epsilon,
    host,
    namespace,
    usable,
)
from .._checks import check_dtype, check_flag, check_mapping, check_rng, shown
from . import _backprop, _gram
from ._activations import Activation, Linear, resolve_activation
from ._base import detached, scalar
from ._data import bring, check_inputs, check_widths, read
from ._output_losses import OUTPUT_LOSSES
from ._rounding import output_errors

if TYPE_CHECKING:
    from ..groups import HiddenIndex, SymmetryGroup

__all__ = ["MLP"]

UNDERFLOW = np.errstate(under="ignore")  # is zero, also where the caller has NumPy raise errors


class MLP:
    r"""The loss of a fully connected network on a batch.

    Parameters ``W1, b1, W2, b2, ...`` (``b`` only with ``bias``): layer m is
    :math:`H_m = f(H_{m-1} W_m^T + b_m)`, samples as rows, the last layer without activation.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden layers, outputs; ``W`` m has shape (widths[m], widths[m - 1]).
    activation : str or activation
        ``"linear"``, ``"relu"``, ``"leaky_relu"`` (slope 0.1), ``"tanh"``, ``"sigmoid"``,
        ``"gelu"`` (tanh form), ``LeakyReLU(slope)`` or an object with the same attributes.
    inputs : array (samples, features)
        Copied; NumPy object arrays are allowed for symbolic work.
    targets : array
        (samples, outputs) for ``"mse"``, integer labels (samples,) for ``"cross_entropy"``.
    loss : {"mse", "cross_entropy"}
        Half the squared distance summed over the batch, or the mean cross-entropy of softmax.
    bias : bool
        Whether layers have biases.

    Raises
    ------
    ValueError, TypeError, DomainError
        If a width, name, shape, label or entry is not as described.

    References
    ----------
    [Pea94] Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6(1), 1994
    (Hessian products).

    [Sch02] Schraudolph, *Fast curvature matrix-vector products for second-order gradient descent*,
    Neural Computation 14(7), 2002
    (Gauss-Newton products).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP(
    ...     [2, 3, 1], activation="relu", inputs=np.eye(2), targets=[[1.0], [2.0]]
    ... )
    >>> loss.shapes
    {'W1': (3, 2), 'W2': (1, 3)}
    >>> w = {"W1": np.ones((3, 2)), "W2": np.ones((1, 3))}
    >>> loss.value(w)  # the outputs are 3 and 3: half of (1 - 3)^2 + (2 - 3)^2
    2.5
    >>> loss.gradient(w)["W2"]
    array([[3., 3., 3.]])
    >>> loss.batch([0]).value(w)
    2.0
    """

    lower_bound: float | None = 0.0

    def __init__(
        self,
        widths: Sequence[int],
        *,
        activation: str | Activation,
        inputs: Any,
        targets: Any,
        loss: str = "mse",
        bias: bool = False,
    ) -> None:
        self.widths = check_widths(widths)
        self.activation = resolve_activation(activation)
        if not isinstance(loss, str) or loss not in OUTPUT_LOSSES:
            raise ValueError(
                f"unknown loss {shown(loss)}; expected one of {', '.join(OUTPUT_LOSSES)}"
            )
        self.loss = loss
        self.bias = check_flag("bias", bias)
        self._output_loss = OUTPUT_LOSSES[loss]()
        self.inputs = check_inputs(read(inputs, "inputs"), self.widths[0])
        self.targets = read(targets, "targets")
        self._output_loss.check(self.targets, self.inputs.shape[0], self.widths[-1])
        self._shapes: dict[str, tuple[int, ...]] = {}
        for m, (fan_in, fan_out) in enumerate(zip(self.widths, self.widths[1:], strict=False), 1):
            self._shapes[f"W{m}"] = (fan_out, fan_in)
            if self.bias:
                self._shapes[f"b{m}"] = (fan_out,)
        self._data: dict[tuple[str, str, str], tuple[Array, Array]] = {}

    def __repr__(self) -> str:
        """Name widths, activation, loss and batch size."""
        return (
            f"MLP({list(self.widths)}, activation={self.activation.name!r}, loss={self.loss!r}, "
            f"bias={self.bias}, samples={self.inputs.shape[0]})"
        )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters, in order."""
        return dict(self._shapes)

    def init(self, rng: np.random.Generator, dtype: Any = None) -> dict[str, np.ndarray]:
        """Draw NumPy parameters (float64 unless ``dtype``) uniformly within 1/sqrt(fan_in).

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the numbers.
        dtype : dtype, optional
            float64 unless given.

        Returns
        -------
        dict of str to array
            Of the shapes in :attr:`shapes`.

        Raises
        ------
        TypeError
            If ``rng`` is no generator, or ``dtype`` no real floating dtype of NumPy.
        """
        check_rng(rng)
        kind = check_dtype("dtype", np.float64 if dtype is None else dtype)
        w = {}
        for name, shape in self._shapes.items():
            bound = 1.0 / np.sqrt(self.widths[int(name[1:]) - 1])
            w[name] = rng.uniform(-bound, bound, shape).astype(kind, copy=False)
        return w

    def batch(self, index: Any) -> MLP:
        """Return the loss on the samples ``index`` (integers, a mask or a slice).

        Parameters
        ----------
        index : array (k,) or slice
            Integers, a boolean mask (samples,) or a slice.

        Returns
        -------
        MLP
            On these samples: ``"mse"`` sums over them, ``"cross_entropy"`` is their mean.

        Raises
        ------
        ValueError, TypeError
            If the index is of another kind, or selects nothing.
        IndexError
            If there is no such sample.
        """
        if not isinstance(index, slice):
            index = read(index, "index")
            if index.ndim != 1 or index.dtype.kind not in "iub":
                raise ValueError(
                    f"index has shape {index.shape} and dtype {index.dtype}; "
                    "expected 1-D integers, a 1-D boolean mask or a slice"
                )
        try:
            return self._replace(self.inputs[index], self.targets[index])
        except IndexError as error:
            raise IndexError(
                f"index selects samples that are not there, of {self.inputs.shape[0]}: {error}"
            ) from None
        except TypeError as error:  # a slice of no integers
            raise TypeError(f"index is {shown(index)}: {error}") from None

    def with_inputs(self, inputs: Any) -> MLP:
        """Return the same loss on other ``inputs`` (samples, features), targets unchanged.

        Parameters
        ----------
        inputs : array (samples, features)
            As many samples as there are targets.

        Returns
        -------
        MLP
            A new loss; this one is not changed.

        Raises
        ------
        ValueError
            If the shape is not as expected.
        """
        inputs = check_inputs(read(inputs, "inputs"), self.widths[0])
        if inputs.shape[0] != self.inputs.shape[0]:
            raise ValueError(
                f"inputs have {inputs.shape[0]} samples; expected {self.inputs.shape[0]}"
            )
        return self._replace(inputs, self.targets)

    @UNDERFLOW
    def forward(self, w: Parameters, X: Array | None = None) -> Array:
        """Return the outputs (samples, outputs) for inputs ``X``, by default the batch.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.
        X : array (samples, features), optional
            Inputs; those of the batch unless given.

        Returns
        -------
        array (samples, outputs)
            In the library, dtype and device of ``w``.
        """
        _, layers = self._layers(w)
        if X is None:
            inputs = self._batch_data(layers[0][0])[0]
        else:
            inputs = check_inputs(usable(X, "X"), self.widths[0], "X")
            inputs = bring(inputs, layers[0][0])
        return _backprop.outputs(layers, inputs, self.activation)

    @UNDERFLOW
    def hidden(self, w: Parameters) -> tuple[list[Array], list[Array]]:
        """Return pre-activations ``[Z_1, ..., Z_L]`` and hidden states ``[H_0, ..., H_{L-1}]``.

        ``H_0`` are the inputs, ``Z_L`` the outputs; all have shape (samples, width).

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        Z : list of array (samples, width)
            Pre-activations, one per layer.
        H : list of array (samples, width)
            What each layer reads.
        """
        _, layers = self._layers(w)
        return _backprop.states(layers, self._batch_data(layers[0][0])[0], self.activation)

    @UNDERFLOW
    def output_gradient(self, w: Parameters) -> Array:
        """Return the derivative (samples, outputs) of the loss in the outputs at ``w``.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        array (samples, outputs)
            In the library and dtype of ``w``.
        """
        xp, layers = self._layers(w)
        X, T = self._batch_data(layers[0][0])
        return self._output_loss.residual(xp, _backprop.outputs(layers, X, self.activation), T)[1]

    @UNDERFLOW
    def output_jacobian(self, w: Parameters) -> dict[str, Array]:
        """Return the derivatives of all outputs at ``w``, one backward pass each.

        The first axis runs over samples times outputs, sample by sample; the others are those
        of the parameter.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        dict of str to array
            Shapes (samples * outputs, ...) of the parameters' names.
        """
        xp, layers = self._layers(w)
        Z, H = _backprop.states(layers, self._batch_data(layers[0][0])[0], self.activation)
        slopes = _backprop.activation_slopes(Z, self.activation)
        rows = []
        for k in np.ndindex(*Z[-1].shape):
            one = np.zeros(Z[-1].shape)
            one[k] = 1.0
            D = cast(one, Z[-1])
            rows.append(self._named(_backprop.pull_back(xp, layers, H, slopes, D)))
        return {name: xp.stack([row[name] for row in rows]) for name in self._shapes}

    @UNDERFLOW
    def value(self, w: Parameters) -> float:
        """Return the loss at ``w``."""
        xp, layers = self._layers(w)
        X, T = self._batch_data(layers[0][0])
        out = _backprop.outputs(layers, X, self.activation)
        return scalar(self._output_loss.value(xp, out, T))  # type: ignore[no-any-return]

    def value_rounding(self, w: Parameters) -> float:
        r"""Return how much rounding of the forward pass may change the loss at ``w``.

        With :math:`\delta` bounds of the outputs' errors, a forward pass on absolute values, it is
        :math:`|\partial L/\partial out| \delta + \tfrac12 c \|\delta\|^2`, c the largest second
        derivative in the outputs. At a loss of zero it is not zero.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        float
        """
        _, layers = self._layers(w)
        X, _ = self._batch_data(layers[0][0])
        error = output_errors(layers, X, self.activation, epsilon(w))
        slope = np.abs(host(self.output_gradient(w)))
        bend = self._output_loss.steepest(X.shape[0])
        return float(np.sum(slope * error) + bend * np.sum(error * error) / 2)

    def gradient(self, w: Parameters) -> dict[str, Array]:
        """Return the gradient at ``w``."""
        return self.value_and_gradient(w)[1]

    @UNDERFLOW
    def value_and_gradient(self, w: Parameters) -> tuple[float, dict[str, Array]]:
        """Return value and gradient at ``w`` from one forward and one backward pass.

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
        xp, layers = self._layers(w)
        X, T = self._batch_data(layers[0][0])
        Z, H = _backprop.states(layers, X, self.activation)
        slopes = _backprop.activation_slopes(Z, self.activation)
        value, D = self._output_loss.residual(xp, Z[-1], T)
        return scalar(value), self._named(_backprop.pull_back(xp, layers, H, slopes, D))

    @UNDERFLOW
    def hvp(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return the full Hessian at ``w`` times ``v``."""
        return self.hvp_operator(w)(v)

    def hvp_operator(self, w: Parameters) -> Callable[[Parameters], dict[str, Array]]:
        """Return ``v -> Hessian v`` at ``w``, with one forward and backward pass for all.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        callable
            From a vector of the shapes of ``w`` to another.
        """
        xp, layers = self._layers(w)
        X, T = self._batch_data(layers[0][0])
        Z, H = _backprop.states(layers, X, self.activation)
        D = self._output_loss.residual(xp, Z[-1], T)[1]
        curvature = self._output_loss.curvature(xp, Z[-1], T)
        product = _backprop.hvp_operator(xp, layers, Z, H, self.activation, D, curvature)

        def checked(v: Parameters) -> dict[str, Array]:
            check_same_layout(w, v, "vector")
            return self._named(product(self._layers(v)[1]))

        return checked

    @UNDERFLOW
    def gauss_newton_product(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return ``J^T H J v``: J the Jacobian of the outputs, H the Hessian in the outputs.

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
        return self.gauss_newton_operator(w)(v)

    def gauss_newton_operator(self, w: Parameters) -> Callable[[Parameters], dict[str, Array]]:
        """Return ``v -> J^T H J v`` at ``w``, with one forward pass for all products.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        callable
            From a vector of the shapes of ``w`` to another.
        """
        xp, layers = self._layers(w)
        X, T = self._batch_data(layers[0][0])
        Z, H = _backprop.states(layers, X, self.activation)
        slopes = _backprop.activation_slopes(Z, self.activation)
        curvature = self._output_loss.curvature(xp, Z[-1], T)
        del Z  # the closure needs the slopes only

        def product(v: Parameters) -> dict[str, Array]:
            check_same_layout(w, v, "vector")
            dZ, _ = _backprop.push_forward(layers, self._layers(v)[1], H, slopes)
            return self._named(_backprop.pull_back(xp, layers, H, slopes, curvature(dZ[-1])))

        return product

    @UNDERFLOW
    def gauss_newton_gram(
        self, w: Parameters, v: Parameters, axes: Mapping[str, tuple[int, ...]]
    ) -> np.ndarray:
        """Return ``v_k^T B v_l`` between the parts of ``v``, with B the Gauss-Newton matrix at w.

        Parameters
        ----------
        w, v : dict of arrays
            Parameters and a vector of their shapes.
        axes : dict of str to tuple of int
            For each parameter its axes kept, increasing. A part has the entries of one array with
            given indices along them, and zeros elsewhere.

        Returns
        -------
        array (parts, parts)
            On the host; parts in the order of the parameters, then of the indices (C order).
        """
        check_same_layout(w, v, "vector")
        xp, layers = self._layers(w)
        X, T = self._batch_data(layers[0][0])
        kept = self._kept(axes)
        return _gram.gauss_newton_gram(
            xp, layers, self._layers(v)[1], kept, X, T, self.activation, self._output_loss
        )

    def gauss_newton_gram_cost(self, axes: Mapping[str, tuple[int, ...]]) -> float:
        """Return what :meth:`gauss_newton_gram` takes, in Gauss-Newton products.

        By the arithmetic, with an allowance for calls, which are what small networks wait for.

        Parameters
        ----------
        axes : dict of str to tuple of int
            As for :meth:`gauss_newton_gram`.

        Returns
        -------
        float
            A multiple of one Gauss-Newton product.
        """
        return _gram.cost(self.widths, self._kept(axes), self.inputs.shape[0])

    def _kept(self, axes: Mapping[str, tuple[int, ...]]) -> list[tuple[tuple[int, ...], ...]]:
        """Return the axes kept of each layer's arrays."""
        check_names(check_mapping("axes", axes, "a dict from name to axes"), self._shapes, "axes")
        for name, kept in axes.items():
            ndim = len(self._shapes[name])
            if not isinstance(kept, tuple) or not all(
                type(axis) is int and 0 <= axis < ndim for axis in kept
            ):
                raise ValueError(
                    f"axes of {name!r} are {shown(kept)}; expected a tuple of integers from 0 to "
                    f"{ndim - 1}"
                )
        return [
            tuple(axes[f"{kind}{m}"] for kind in "Wb"[: 1 + self.bias])
            for m in range(1, len(self.widths))
        ]

    def hidden_indices(self) -> list[HiddenIndex]:
        """Return the hidden layers as indices: what writes and what reads each of them.

        Returns
        -------
        list of HiddenIndex
            One per hidden layer, in their order.
        """
        from ..groups import HiddenIndex

        return [
            HiddenIndex(
                self.widths[m],
                written=((f"W{m}", 0),) + ((f"b{m}", 0),) * self.bias,
                read=((f"W{m + 1}", 1),),
            )
            for m in range(1, len(self.widths) - 1)
        ]

    def symmetry(self) -> SymmetryGroup:
        """Return what leaves the network's function unchanged.

        GL of every hidden layer for the linear activation, positive rescalings for ReLU and
        LeakyReLU.

        Returns
        -------
        GeneralLinear or PositiveRescaling
            Of scope ``"function"``.

        Raises
        ------
        TypeError
            For other activations, and for networks without hidden layers.
        """
        from ..groups import GeneralLinear, PositiveRescaling

        if len(self.widths) < 3:
            raise TypeError(f"{self!r} has no hidden layer, so no hidden index to act on")
        if isinstance(self.activation, Linear):
            return GeneralLinear(self.hidden_indices())
        if self.activation.homogeneous:
            return PositiveRescaling(self.hidden_indices())
        raise TypeError(
            f"activation {self.activation.name!r} has no continuous function-level symmetry here: "
            "linear has GL, relu and leaky_relu have positive rescalings; batch_symmetry() "
            "needs an invertible activation"
        )

    def batch_symmetry(self) -> SymmetryGroup:
        """Return the data-dependent action, which holds on this batch only.

        Returns
        -------
        ActivationGL
            Of scope ``"batch"``.

        Raises
        ------
        TypeError, ValueError
            If the activation is not a bijection, or there is no hidden layer.
        """
        from ..groups import ActivationGL

        return ActivationGL(self)

    def _replace(self, inputs: np.ndarray, targets: np.ndarray) -> MLP:
        """Return a copy on other samples of data that were checked before."""
        if inputs.shape[0] == 0:
            raise ValueError("the batch is empty; expected at least one sample")
        other = object.__new__(MLP)
        other.__dict__.update(self.__dict__, inputs=inputs, targets=targets, _data={})
        return other

    def _layers(self, w: Parameters) -> tuple[Any, list[tuple[Array, Array | None]]]:
        """Check names and shapes; return the namespace and the pairs (W, b)."""
        xp = namespace(w)
        if w.keys() != self._shapes.keys():
            check_names(w, self._shapes)
        for name, shape in self._shapes.items():
            if tuple(w[name].shape) != shape:
                check_shape(name, w[name], shape)
        return xp, [
            (detached(w[f"W{m}"]), detached(w[f"b{m}"]) if self.bias else None)
            for m in range(1, len(self.widths))
        ]

    def _batch_data(self, like: Array) -> tuple[Array, Array]:
        """Return inputs and encoded targets in the library, dtype and device of ``like``."""
        key = (type(like).__module__, str(like.dtype), str(array_api_compat.device(like)))
        if key not in self._data:
            targets = self._output_loss.encode(self.targets, self.widths[-1])
            self._data[key] = cast(self.inputs, like), cast(targets, like)
        return self._data[key]

    def _named(self, blocks: list[tuple[Array, Array | None]]) -> dict[str, Array]:
        """Return the layers' arrays under the parameters' names."""
        result = {}
        for m, (block, bias) in enumerate(blocks, 1):
            result[f"W{m}"] = block
            if bias is not None:
                result[f"b{m}"] = bias
        return result
