"""A separable quartic in any array library, and a small network with its symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport.losses import MLP


class Quartic:
    """``sum(w^4 / 4 + c w^2 / 2)`` over the samples ``c``: cheap, smooth, in any library."""

    def __init__(self, curvatures=(1.0, 3.0, 0.5)):
        self.curvatures = np.asarray(curvatures, dtype=float)
        self.calls = {"value": 0, "gradient": 0, "both": 0}

    def _value(self, w):
        c, n = float(self.curvatures.sum()), len(self.curvatures)
        return sum(float((n * a**4 / 4 + c * a**2 / 2).sum()) for a in w.values())

    def _gradient(self, w):
        c, n = float(self.curvatures.sum()), len(self.curvatures)
        return {name: n * a**3 + c * a for name, a in w.items()}

    def value(self, w):
        self.calls["value"] += 1
        return self._value(w)

    def gradient(self, w):
        self.calls["gradient"] += 1
        return self._gradient(w)

    def batch(self, index):
        return Quartic(self.curvatures[index])


class QuarticTogether(Quartic):
    """With value and gradient in one call."""

    def value_and_gradient(self, w):
        self.calls["both"] += 1
        return self._value(w), self._gradient(w)


@pytest.fixture
def quartic():
    return Quartic()


@pytest.fixture
def quartic_together():
    return QuarticTogether()


@pytest.fixture
def start():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=4)}


@pytest.fixture
def network():
    rng = np.random.default_rng(1)
    inputs, targets = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    return MLP((3, 4, 2), activation="leaky_relu", inputs=inputs, targets=targets)


@pytest.fixture
def network_start(network):
    return network.init(np.random.default_rng(2))
