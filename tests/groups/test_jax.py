"""The same code on JAX arrays, where JAX is installed (in its default 32 bits)."""

import numpy as np
import pytest

from liegroup_teleport import GradientNorm, ParameterNorm, PredictedDecrease, teleport
from liegroup_teleport.losses import MLP

jax = pytest.importorskip("jax")


@pytest.mark.parametrize("objective", [GradientNorm(), ParameterNorm(), PredictedDecrease(0.1)])
def test_same_teleport_as_numpy(objective):
    rng = np.random.default_rng(0)
    loss = MLP(
        [4, 6, 3],
        activation="relu",
        inputs=rng.normal(size=(20, 4)),
        targets=rng.integers(0, 3, 20),
        loss="cross_entropy",
        bias=True,
    )
    w = loss.init(rng, dtype=np.float32)
    expected = teleport(loss, loss.symmetry(), w, objective, radius=1.0)
    got = teleport(
        loss,
        loss.symmetry(),
        {n: jax.numpy.asarray(a) for n, a in w.items()},
        objective,
        radius=1.0,
    )
    assert got.status == expected.status
    assert got.drift <= got.allowed_drift
    for name, array in got.params.items():
        assert isinstance(array, jax.Array)
        assert array.dtype == np.float32
        np.testing.assert_allclose(np.asarray(array), expected.params[name], rtol=2e-2, atol=1e-4)
