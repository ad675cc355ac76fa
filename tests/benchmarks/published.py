"""Teleportation as published, written from its equations: what the library is measured against.

Zhao et al. (NeurIPS 2022), equation (8), samples as columns. For
each hidden layer, with ``h`` its input and ``g = I + T`` to first order,

``W_m -> sigma^-1(g sigma(W_m h)) h^+``,  ``W_{m+1} -> W_{m+1} (I - T)``,

layer by layer with the hidden states of the weights before the step; ``T`` is
found by gradient ascent on ``||grad L||^2``, differentiated by double
backpropagation, steps of a given length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["PublishedTeleport", "first_order_action", "teleport"]

SLOPE = 0.1


@dataclass(frozen=True)
class PublishedTeleport:
    """Where the search ended: weights, and loss and squared gradient norm after every step."""

    weights: list[torch.Tensor]
    losses: list[float]
    gradient_norms: list[float]

    @property
    def gain(self) -> float:
        """Gain of ``log ||grad L||^2``."""
        return float(np.log(self.gradient_norms[-1] / self.gradient_norms[0]))

    @property
    def loss_change(self) -> float:
        """Relative change of the loss."""
        return abs(self.losses[-1] - self.losses[0]) / self.losses[0]


def activation(z: torch.Tensor) -> torch.Tensor:
    """LeakyReLU."""
    return torch.nn.functional.leaky_relu(z, SLOPE)


def activation_inverse(h: torch.Tensor) -> torch.Tensor:
    """Invert LeakyReLU."""
    return torch.where(h > 0, h, h / SLOPE)


def hidden_states(weights: Sequence[torch.Tensor], inputs: torch.Tensor) -> list[torch.Tensor]:
    """Return the input of every layer, samples as columns."""
    states = [inputs]
    for W in weights[:-1]:
        states.append(activation(W @ states[-1]))
    return states


def value(
    weights: Sequence[torch.Tensor], inputs: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Half the squared distance, summed over the batch."""
    outputs = weights[-1] @ hidden_states(weights, inputs)[-1]
    return ((outputs - targets) ** 2).sum() / 2


def squares(arrays: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the sum of the squared norms."""
    return torch.stack([(a**2).sum() for a in arrays]).sum()


def first_order_action(
    T: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor],
    states: Sequence[torch.Tensor],
    inverses: Sequence[torch.Tensor],
) -> list[torch.Tensor]:
    """Return the weights moved by ``I + T``, with ``I - T`` for its inverse."""
    moved = list(weights)
    for m, t in enumerate(T):
        one = torch.eye(len(t), dtype=t.dtype)
        h, inverse = states[m], inverses[m]
        moved[m] = activation_inverse((one + t) @ activation(moved[m] @ h)) @ inverse
        moved[m + 1] = moved[m + 1] @ (one - t)
    return moved


def teleport(
    weights: Sequence[torch.Tensor],
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *,
    steps: int,
    length: float,
) -> PublishedTeleport:
    """Ascend ``||grad L||^2`` by ``steps`` steps, each of Frobenius norm ``length`` over all T."""
    current = [W.detach() for W in weights]
    losses, norms = [], []
    for step in range(steps + 1):
        states = hidden_states(current, inputs)
        if step == steps:
            points = [W.requires_grad_() for W in current]
            loss = value(points, inputs, targets)
            gradient = torch.autograd.grad(loss, points)
            losses.append(float(loss.detach()))
            norms.append(float(squares(gradient)))
            break
        inverses = [torch.linalg.pinv(h) for h in states[:-1]]
        T = [torch.zeros(len(W), len(W), dtype=W.dtype, requires_grad=True) for W in current[:-1]]
        moved = first_order_action(T, current, states, inverses)
        loss = value(moved, inputs, targets)
        gradient = torch.autograd.grad(loss, moved, create_graph=True)
        objective = squares(gradient)
        slopes = torch.autograd.grad(objective, T)
        if step == 0:  # at the start, not at the action's identity, which moves the weights
            points = [W.clone().requires_grad_() for W in current]
            first = value(points, inputs, targets)
            losses.append(float(first.detach()))
            norms.append(float(squares(torch.autograd.grad(first, points))))
        else:
            losses.append(float(loss.detach()))
            norms.append(float(objective.detach()))
        size = torch.sqrt(squares(slopes))
        with torch.no_grad():
            T = [s * (length / size) for s in slopes]
            current = [W.detach() for W in first_order_action(T, current, states, inverses)]
    return PublishedTeleport([W.detach() for W in current], losses, norms)
