"""What the forward pass of a network rounds: a running error bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Array, host
from ._activations import Linear
from ._backprop import Layers

__all__ = ["output_errors"]

PARAMETERS = 64.0  # roundings of a parameter, as the allowance of a move counts them
STEEPEST = 1.25  # no slope of tanh, sigmoid, GELU or ReLU is larger
ELEMENTARY = 4.0  # roundings of an activation's value


def output_errors(layers: Layers, inputs: Array, activation: Any, eps: float) -> np.ndarray:
    r"""Return how far rounding may move each output, shape (samples, outputs).

    A forward pass on absolute values. With :math:`\delta` the error of what a layer of n inputs
    reads, that of ``W h + b`` is at most

    .. math:: |W| \delta + (n + 64)\, \epsilon\, (|W||h| + |b|),

    n for the sum and 64 for the roundings of the parameters that a move makes; an activation of
    slope at most s turns that into :math:`s \delta + 4 \epsilon |f|`. It does not vanish where
    outputs cancel: there the error is that of the terms.

    Parameters
    ----------
    layers : list of (W, b)
    inputs : array (samples, features)
    activation : Activation
    eps : float
        Machine epsilon of the dtype that the pass is computed in.

    References
    ----------
    [Hig02] Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, 2002,
    section 3.3 (running error analysis).
    """
    h = host(inputs)
    error = np.zeros_like(h)
    steepest = 1.0 if isinstance(activation, Linear) else STEEPEST
    if activation.homogeneous and not isinstance(activation, Linear):
        ends = host(activation(np.array([1.0, -1.0])))  # the slopes on both sides of zero
        steepest = float(np.max(np.abs(ends)))
    for m, (weights, bias) in enumerate(layers):
        W = host(weights)
        size = np.abs(h) @ np.abs(W).T
        z = h @ W.T
        if bias is not None:
            z, size = z + host(bias), size + np.abs(host(bias))
        error = error @ np.abs(W).T + (W.shape[1] + PARAMETERS) * eps * size
        if m < len(layers) - 1:
            h = host(activation(z))
            error = steepest * error + ELEMENTARY * eps * np.abs(h)
    return error
