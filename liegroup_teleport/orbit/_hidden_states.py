"""The gradient norm under the data-dependent action: value and slope from one pass.

Samples are rows and layers count from 1. With ``H_m`` the hidden states, ``Z_m`` the
pre-activations, ``K_m`` the pseudo-inverse of ``H_{m-1}`` and ``delta_m`` the backward signals,
the point ``g . w`` has

``H'_m = H_m g_m^T``, ``Z'_m = sigma^-1(H'_m)``, ``W'_m = [W_m + (K_m (Z'_m - Z_m))^T] g_{m-1}^-1``,
``delta_{m-1} = (delta_m W'_m) * sigma'(Z'_{m-1})``

and the squared gradient ``sum_m ||delta_m^T H'_{m-1}||^2 = sum_m <delta_m, G_m delta_m>`` with
``G_m = H'_{m-1} H'_{m-1}^T``, plus 1 in every entry for a bias; the signal of the outputs stays.
The slope follows in reverse. No weights are formed on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._arrays import Array, Parameters, cast, host, norm
from ..groups import ActivationGL
from ..losses import Loss
from ._landscape import PointwiseLandscape
from ._objectives import GradientNorm
from ._stretch import Matrix, RowAction, Stretch

__all__ = ["Evaluation", "Factors", "HiddenStates", "HiddenStatesNorm", "Landing", "dense"]

Factors = list[tuple[np.ndarray, np.ndarray]]  # the sum of A B^T, A and B of shape (k, r)


def dense(factors: Factors) -> np.ndarray:
    """Return the sum, (k, k)."""
    (A, B), *rest = factors
    total = A @ B.T
    for A, B in rest:
        total += A @ B.T
    return total


@dataclass(frozen=True)
class Evaluation:
    """What a value leaves behind for its slope; lists run over the layers."""

    value: float
    inputs: list[np.ndarray]  # H'_{m-1}, (samples, in)
    states: list[np.ndarray]  # Z'_m, (samples, out), hidden layers only
    slopes: list[np.ndarray]  # sigma'(Z'_m)
    signals: list[np.ndarray]  # delta_m, (samples, out)
    pulled: list[np.ndarray]  # delta_m W'_m, (samples, in), from the second layer on
    own: list[np.ndarray]  # G_m delta_m


@dataclass(frozen=True)
class HiddenStates:
    """A batch at ``w``, in one precision: all that values and slopes on the orbit need.

    Attributes
    ----------
    activation : Activation
    weights, inputs, states : list of array
        ``W_m`` (out, in), ``H_{m-1}`` (samples, in) and ``Z_m`` (samples, out).
    inverses : list of array
        ``K_m`` (in, samples).
    grams : list of array (samples, samples)
        ``H_{m-1} H_{m-1}^T``.
    signal : array (samples, outputs)
        Derivative of the loss with respect to the outputs, the whole gradient scaled to norm 1.
    constant : float
        1 with biases, else 0: what they add to every entry of ``G_m``.
    """

    activation: Any
    weights: list[np.ndarray]
    inputs: list[np.ndarray]
    states: list[np.ndarray]
    inverses: list[np.ndarray]
    grams: list[np.ndarray]
    signal: np.ndarray
    constant: float

    def astype(self, dtype: Any) -> HiddenStates:
        """Return the batch in another precision."""

        def cast_all(arrays: list[np.ndarray]) -> list[np.ndarray]:
            return [a.astype(dtype) for a in arrays]

        return replace(
            self,
            weights=cast_all(self.weights),
            inputs=cast_all(self.inputs),
            states=cast_all(self.states),
            inverses=cast_all(self.inverses),
            grams=cast_all(self.grams),
            signal=self.signal.astype(dtype),
        )

    def evaluate(self, g: Sequence[RowAction]) -> Evaluation:
        """Return the squared gradient norm at ``g``, relative to that at the identity.

        Raises
        ------
        DomainError
            If a moved state leaves the range of the activation.
        """
        sigma, last = self.activation, len(self.weights) - 1
        inputs, grams = [self.inputs[0]], [self.grams[0]]
        for p, H, gram in zip(g, self.inputs[1:], self.grams[1:], strict=True):
            inputs.append(p.times_transpose(H))
            grams.append(p.gram(H, gram))
        states = [sigma.inverse(H) for H in inputs[1:]]
        slopes = [sigma.derivative(Z) for Z in states]
        signals, pulled, own = ([self.signal] * (last + 1) for _ in range(3))
        value = 0.0
        for m in range(last, -1, -1):
            delta = signals[m]
            own[m] = grams[m] @ delta
            if self.constant:
                own[m] += np.sum(delta, axis=0)
            value += float(np.vdot(own[m], delta))
            if m > 0:
                back = delta @ self.weights[m]
                if m < last:
                    lifted = delta @ (states[m] - self.states[m]).T
                    back += lifted @ self.inverses[m].T
                pulled[m] = g[m - 1].times_inverse(back)
                signals[m - 1] = pulled[m] * slopes[m - 1]
        return Evaluation(value, inputs, states, slopes, signals, pulled, own)

    def slope(self, g: Sequence[RowAction], at: Evaluation) -> list[Factors]:
        """Return the derivative of the value in ``x`` at ``exp(x) g``, one sum per index."""
        slope = []
        by_signal = 2 * at.own[0]
        by_state: np.ndarray | float = 0.0  # through Z'_m - Z_m in the weights
        for m in range(1, len(self.weights)):
            by_pulled = by_signal * at.slopes[m - 1]
            if not self.activation.homogeneous:
                bent = self.activation.second_derivative(at.states[m - 1])
                by_state = by_state + by_signal * at.pulled[m] * bent
            delta = at.signals[m]
            by_input = np.linalg.multi_dot([2 * delta, delta.T, at.inputs[m]])
            by_input += by_state / at.slopes[m - 1]
            slope.append([(by_input.T, at.inputs[m].T), (-at.pulled[m].T, by_pulled.T)])
            if m < len(self.weights) - 1:
                back = g[m - 1].times_inverse_transpose(by_pulled)
                lifted = back @ self.inverses[m]
                by_state = lifted.T @ delta
                by_signal = back @ self.weights[m].T
                by_signal += lifted @ (at.states[m] - self.states[m])
                by_signal += 2 * at.own[m]
        return slope

    def moved_weights(self, g: Sequence[RowAction], at: Evaluation) -> list[np.ndarray]:
        """Return the weights at ``g``."""
        moved = []
        for m, W in enumerate(self.weights):
            if m < len(self.weights) - 1:
                lift = self.inverses[m] @ (at.states[m] - self.states[m])
                W = W + lift.T
            moved.append(g[m - 1].times_inverse(W) if m > 0 else W)
        return moved


@dataclass(frozen=True)
class Landing:
    """What there is at a point of the orbit."""

    params: dict[str, Array]
    objective: float
    gradient_norm: float


class HiddenStatesNorm(PointwiseLandscape):
    """The squared gradient norm of a batch under :class:`ActivationGL`, slopes in closed form.

    The norm at the start is divided out, so that no square overflows or vanishes in any
    precision. All computation is NumPy's, on the host, in float64.
    """

    group: ActivationGL

    def __init__(
        self,
        group: ActivationGL,
        objective: GradientNorm,
        loss: Loss,
        w: Parameters,
        gradient: Parameters,
    ) -> None:
        super().__init__(group, objective, loss, w, gradient)
        self.size = norm(gradient)
        layers = group._layers(w)
        inputs = [host(a.inputs) for a in layers]
        inverses = [host(a.pinv) for a in layers]
        output = host(gradient[f"W{len(layers)}"]) / (self.size or 1.0)
        self.batch = HiddenStates(
            activation=group.mlp.activation,
            weights=[host(a.weight) for a in layers],
            inputs=inputs,
            states=[host(a.states) for a in layers],
            inverses=inverses,
            grams=[H @ H.T for H in inputs],
            signal=(output @ inverses[-1]).T,
            constant=float("b1" in gradient),
        )

    def start(self) -> list[Stretch]:
        """Return the identity."""
        return [Stretch.identity(k) for k in self.group.matrices.slots.sizes]

    def value(self, g: Any) -> float:
        """Return the squared gradient norm at ``g``."""
        if all(np.array_equal(a, np.eye(len(a))) for a, _ in g):
            return self.size**2
        return self.batch.evaluate([Matrix(*pair) for pair in g]).value * self.size**2

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        """Return the squared gradient norm at ``g`` and its slope, shape ``(dim,)``."""
        value, slope = self._relative(g)
        return value * self.size**2, slope * self.size**2

    def score(self, g: Any) -> tuple[float, np.ndarray]:
        """Return the logarithm, in units of the start, and its slope."""
        value, slope = self._relative(g)
        if not value > 0:
            return -np.inf, np.zeros_like(slope)
        return float(np.log(value)), slope / value

    def _relative(self, g: Any) -> tuple[float, np.ndarray]:
        places = [Matrix(*pair) for pair in g]
        at = self.batch.evaluate(places)
        slope = [dense(factors).ravel() for factors in self.batch.slope(places, at)]
        return at.value, np.concatenate(slope)

    def land(self, places: Sequence[RowAction]) -> Landing:
        """Return what is found at a point, all from the same states."""
        at = self.batch.evaluate(places)
        gradient_norm = self.size * float(np.sqrt(at.value))
        moved = dict(self.w)
        for m, W in enumerate(self.batch.moved_weights(places, at), start=1):
            moved[f"W{m}"] = cast(W, self.w[f"W{m}"])
        return Landing(moved, gradient_norm**2, gradient_norm)
