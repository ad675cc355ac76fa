"""Groups and losses with a bug each: every proof about them must be refused."""

from __future__ import annotations

import numpy as np

from liegroup_teleport.groups import (
    ActivationGL,
    ChartRotation,
    GeneralLinear,
    InputTransformation,
    PositiveRescaling,
    QuadraticOrthogonal,
)
from liegroup_teleport.losses import MLP, Booth, Rosenbrock


def network(widths, activation, *, loss="mse", bias=False, samples=1):
    inputs = np.zeros((samples, widths[0]))
    targets = (
        np.zeros((samples, widths[-1])) if loss == "mse" else np.zeros(samples, dtype=np.int64)
    )
    return MLP(widths, activation=activation, inputs=inputs, targets=targets, loss=loss, bias=bias)


class WrongExponent(PositiveRescaling):
    def act(self, g, w):
        return self._transform(g, 1 / (g * g), w)


class ForgetsReader(PositiveRescaling):
    def act(self, g, w):
        return self._transform(g, g * 0 + 1, w)


class WrongSignOfGenerator(PositiveRescaling):
    def generator(self, x, w):
        moved = super().generator(x, w)
        return {**moved, "W2": -moved["W2"]}


class CotangentLikeAct(PositiveRescaling):
    def act_cotangent(self, g, w, v):
        return self.act(g, v)


class TangentLikeIdentity(PositiveRescaling):
    def act_tangent(self, g, w, u):
        return dict(u)


class ConservesTheSum(PositiveRescaling):
    def generator_adjoint(self, w, p):
        total = super().generator_adjoint(w, p)
        return total + 2 * np.asarray((p["W2"] * w["W2"]).sum(axis=0))


class WrongTranspose(GeneralLinear):
    def act(self, g, w):
        g = self._element(g)
        return self._transform([a for a, _ in g], [b for _, b in g], w)


class TransposedWriter(GeneralLinear):
    def act(self, g, w):
        g = self._element(g)
        return self._transform([a.T for a, _ in g], [b.T for _, b in g], w)


class ComposesBackwards(GeneralLinear):
    def compose(self, g, h):
        return super().compose(h, g)


class InverseIsItself(GeneralLinear):
    def inverse(self, g):
        return g


class ForgetsTheMetric(QuadraticOrthogonal):
    def _linear(self, P, R, y):
        return y + P @ (R @ y - y)


class LosesTheOffset(ChartRotation):
    def act(self, g, w):
        moved = super().act(g, w)
        return {name: a - w[name] * 0 + 1 for name, a in moved.items()}


class DropsTheRest(ActivationGL):
    """The published form: what a weight does off the span of the batch is lost."""

    def _act(self, g, w, layers):
        out = super()._act(g, w, layers)
        first = layers[0]
        out["W1"] = out["W1"] - first.weight + (first.pinv @ (first.inputs @ first.weight.T)).T
        return out


class ReaderKeepsElement(ActivationGL):
    def _act(self, g, w, layers):
        out = super()._act(g, w, layers)
        last = f"W{len(layers)}"
        return {**out, last: out[last] @ g[-1][0]}


class LeavesTheData(InputTransformation):
    def _move_inputs(self, g, X):
        return X


class NotHomogeneous:
    """Says that it is positively homogeneous, and is not."""

    name, homogeneous, bijective = "soft", True, False

    def __call__(self, z):
        return np.logaddexp(0, z)

    def derivative(self, z):
        return 1 / (1 + np.exp(-z))

    def second_derivative(self, z):
        return 0 * z


class WrongHessian(Booth):
    def hvp(self, w, v):
        return {"w": super().hvp(w, v)["w"] + w["w"] * v["w"].sum()}


class WrongGradient(Rosenbrock):
    def value_and_gradient(self, w):
        value, gradient = super().value_and_gradient(w)
        return value, {"w": gradient["w"] * np.array([1, 2])}
