"""Forward and backward passes of a multilayer perceptron, and their directional derivatives.

Samples are rows. ``layers`` is a list of pairs (W, b) with W (out, in) and b (out,) or ``None``.
``Z[m] = H[m] W_m^T + b_m`` and ``H[m + 1] = f(Z[m])``; ``H[0]`` are the inputs and ``Z[-1]`` the
outputs. ``slopes[m] = f'(Z[m])`` for every hidden layer, ``None`` for the identity. Arrays are
updated in place only where they were made here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._arrays import Array
from ._activations import Linear

__all__ = [
    "Layers",
    "activation_slopes",
    "hvp_operator",
    "outputs",
    "pull_back",
    "push_forward",
    "states",
]

Layers = Sequence[tuple[Array, Array | None]]


def affine(h: Array, W: Array, b: Array | None) -> Array:
    """Return ``h W^T + b``."""
    z = h @ W.T
    if b is not None:
        z += b
    return z


def outputs(layers: Layers, h: Array, activation: Any) -> Array:
    """Return the outputs (samples, out) and keep nothing else."""
    for W, b in layers[:-1]:
        h = activation(affine(h, W, b))
    return affine(h, *layers[-1])


def states(layers: Layers, h: Array, activation: Any) -> tuple[list[Array], list[Array]]:
    """Return all pre-activations Z and all hidden states H."""
    Z, H = [], [h]
    for W, b in layers[:-1]:
        Z.append(affine(H[-1], W, b))
        H.append(activation(Z[-1]))
    Z.append(affine(H[-1], *layers[-1]))
    return Z, H


def activation_slopes(Z: list[Array], activation: Any) -> list[Array | None]:
    """Return the derivatives of the activation at the hidden layers."""
    if isinstance(activation, Linear):
        return [None] * (len(Z) - 1)
    return [activation.derivative(z) for z in Z[:-1]]


def pull_back(
    xp: Any, layers: Layers, H: list[Array], slopes: list[Array | None], D: Array
) -> list[tuple[Array, Array | None]]:
    """Return the gradient of each layer from the derivative ``D`` in the outputs."""
    result: list[tuple[Array, Array | None]] = []
    for m in range(len(layers) - 1, -1, -1):
        W, b = layers[m]
        result.append((D.T @ H[m], None if b is None else xp.sum(D, axis=0)))
        if m:
            D = D @ W
            if slopes[m - 1] is not None:
                D *= slopes[m - 1]
    return result[::-1]


def push_forward(
    layers: Layers, directions: Layers, H: list[Array], slopes: list[Array | None]
) -> tuple[list[Array], list[Array | None]]:
    """Return the derivatives of all Z and all H along ``directions`` of the layers.

    The inputs do not move, so their entry is ``None``.
    """
    dZ: list[Array] = []
    dH: list[Array | None] = [None]
    for m, ((W, _), (dW, db)) in enumerate(zip(layers, directions, strict=True)):
        dz = affine(H[m], dW, db)
        if dH[m] is not None:
            dz += dH[m] @ W.T
        dZ.append(dz)
        if m < len(layers) - 1:
            slope = slopes[m]
            dH.append(dz if slope is None else dz * slope)
    return dZ, dH


def hvp_operator(
    xp: Any,
    layers: Layers,
    Z: list[Array],
    H: list[Array],
    activation: Any,
    D: Array,
    curvature: Any,
) -> Callable[[Layers], list[tuple[Array, Array | None]]]:
    """Return ``directions -> derivative of the gradient`` (Pearlmutter's R-operator).

    ``D`` is the derivative of the loss in the outputs, ``curvature`` the product with its
    Hessian in the outputs.
    """
    slopes = activation_slopes(Z, activation)
    bends: list[Array | None] = [None] * len(slopes)  # f''(Z) times the derivative in f(Z)
    back = [D]  # the derivatives of the loss in all Z, last first
    for m in range(len(layers) - 1, 0, -1):
        D = back[-1] @ layers[m][0]
        slope = slopes[m - 1]
        if slope is not None and not activation.homogeneous:  # else f'' is zero
            bends[m - 1] = D * activation.second_derivative(Z[m - 1])
        back.append(D if slope is None else D * slope)
    back.reverse()

    def product(directions: Layers) -> list[tuple[Array, Array | None]]:
        dZ, dH = push_forward(layers, directions, H, slopes)
        dD = curvature(dZ[-1])
        result: list[tuple[Array, Array | None]] = []
        for m in range(len(layers) - 1, -1, -1):
            (W, b), (dW, _) = layers[m], directions[m]
            block = dD.T @ H[m]
            if dH[m] is not None:
                block += back[m].T @ dH[m]
            result.append((block, None if b is None else xp.sum(dD, axis=0)))
            if m:
                dD = dD @ W
                dD += back[m] @ dW
                if slopes[m - 1] is not None:
                    dD *= slopes[m - 1]
                if bends[m - 1] is not None:
                    dD += bends[m - 1] * dZ[m - 1]
        return result[::-1]

    return product
