"""The same networks in plain PyTorch: gradients, and double backpropagation through rescalings."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.optimize
import torch

__all__ = ["RescaledNetwork"]


class _Reached(Exception):
    """The search has the value that it was asked for."""


class RescaledNetwork:
    """A ReLU network without biases under cross-entropy, and rescalings of its hidden units.

    ``score`` is the logarithm of the squared gradient norm at the rescaled
    weights, differentiated in the log-scales by backpropagation through the
    gradient.
    """

    def __init__(self, w: Mapping[str, np.ndarray], inputs: np.ndarray, labels: np.ndarray) -> None:
        torch.set_num_threads(1)
        self.weights = [torch.from_numpy(a.copy()).requires_grad_() for a in w.values()]
        self.inputs, self.labels = torch.from_numpy(inputs), torch.from_numpy(labels)
        self.sizes = [a.shape[0] for a in self.weights[:-1]]
        self.evaluations = 0

    @property
    def dim(self) -> int:
        """Number of hidden units."""
        return sum(self.sizes)

    def loss(self, weights: list[torch.Tensor]) -> torch.Tensor:
        """Return the mean cross-entropy."""
        h = self.inputs
        for W in weights[:-1]:
            h = torch.relu(h @ W.T)
        return torch.nn.functional.cross_entropy(h @ weights[-1].T, self.labels)

    def gradient(self) -> tuple[torch.Tensor, ...]:
        """Return the gradient by one forward and one backward pass."""
        return torch.autograd.grad(self.loss(self.weights), self.weights)

    def score(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return ``log ||grad||^2`` at log-scales ``x`` and its slope, by differentiating twice."""
        self.evaluations += 1
        logs = torch.from_numpy(np.array(x)).requires_grad_()
        scales = [s.to(self.inputs.dtype) for s in torch.split(torch.exp(logs), self.sizes)]
        moved = []
        for m, W in enumerate(self.weights):
            V = W.detach()
            if m > 0:
                V = V / scales[m - 1]
            if m < len(scales):
                V = scales[m][:, None] * V
            moved.append(V)
        gradient = torch.autograd.grad(self.loss(moved), moved, create_graph=True)
        value = torch.log(torch.stack([(g.double() ** 2).sum() for g in gradient]).sum())
        (slope,) = torch.autograd.grad(value, logs)
        return float(value.detach()), slope.numpy()

    def minimize(self, goal: float, limit: int = 200) -> float:
        """Minimise by L-BFGS until the score is at most ``goal``; return the best."""
        return -self._until(-goal, self._lbfgs, limit)

    def maximize(self, goal: float, radius: float, step: float, limit: int = 200) -> float:
        """Ascend by steps of one length, projected, until the score is at least ``goal``."""
        return self._until(goal, lambda score: self._ascend(score, radius, step, limit), limit)

    def frank_wolfe(self, goal: float, radius: float, limit: int = 50) -> float:
        """Take full Frank-Wolfe steps in the ball until the score is at least ``goal``."""
        return self._until(goal, lambda score: self._full_steps(score, radius, limit), limit)

    def _until(self, goal: float, search: Callable[[Any], None], limit: int) -> float:
        best = -np.inf
        spent = 0
        minimising = search == self._lbfgs

        def score(x: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal best, spent
            value, slope = self.score(x)
            best = max(best, -value if minimising else value)
            spent += 1
            if best >= goal or spent >= limit:
                raise _Reached
            return value, slope

        with contextlib.suppress(_Reached):
            search(score)
        return best

    def _lbfgs(self, score: Any) -> None:
        start = np.zeros(self.dim)
        options = {"maxiter": 1000, "ftol": 0.0, "gtol": 0.0}
        scipy.optimize.minimize(score, start, jac=True, method="L-BFGS-B", options=options)

    def _ascend(self, score: Any, radius: float, step: float, limit: int) -> None:
        x = np.zeros(self.dim)
        for _ in range(limit):
            slope = score(x)[1]
            x = x + slope * (step / float(np.linalg.norm(slope)))
            x = x * min(1.0, radius / float(np.linalg.norm(x)))

    def _full_steps(self, score: Any, radius: float, limit: int) -> None:
        x = np.zeros(self.dim)
        for _ in range(limit):
            slope = score(x)[1]
            x = slope * (radius / float(np.linalg.norm(slope)))
