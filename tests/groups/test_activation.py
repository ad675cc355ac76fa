"""The data-dependent action: hidden states, ranks, ranges."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import DomainError
from liegroup_teleport.groups import ActivationGL
from tests.groups.all_groups import BY_NAME, mlp


@pytest.mark.parametrize("name", ["activation-leaky", "activation-leaky-bias"])
def test_hidden_states_move_as_told(name):
    case = BY_NAME[name]
    loss, group, w = case.loss, case.group, case.start()
    g = group.random_element(np.random.default_rng(0), 0.7)
    _, before = loss.hidden(w)
    _, after = loss.hidden(group.act(g, w))
    for (a, _), H, moved in zip(g, before[1:], after[1:], strict=False):
        np.testing.assert_allclose(moved, H @ a.T, rtol=1e-9, atol=1e-11)


def test_composition_on_states_and_loss():
    case = BY_NAME["activation-leaky"]
    loss, group, w = case.loss, case.group, case.start()
    rng = np.random.default_rng(1)
    g, h = group.random_element(rng, 0.5), group.random_element(rng, 0.5)
    one = group.act(group.compose(g, h), w)
    two = group.act(g, group.act(h, w))
    for a, b in zip(loss.hidden(one)[1], loss.hidden(two)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)
    assert loss.value(one) == pytest.approx(loss.value(two), rel=1e-11)
    back = group.act(group.inverse(g), group.act(g, w))
    assert loss.value(back) == pytest.approx(loss.value(w), rel=1e-11)


def test_square_states_compose_on_the_weights():
    loss = mlp((4, 4, 3), "leaky_relu", samples=4)
    group = loss.batch_symmetry()
    rng = np.random.default_rng(1)
    w = {n: rng.normal(size=s) for n, s in loss.shapes.items()}
    g, h = group.random_element(rng, 0.3), group.random_element(rng, 0.3)
    one = group.act(group.compose(g, h), w)
    two = group.act(g, group.act(h, w))
    for n in w:
        np.testing.assert_allclose(one[n], two[n], rtol=1e-7, atol=1e-8)


def test_errors():
    with pytest.raises(TypeError, match="relu"):
        ActivationGL(mlp((3, 4, 2), "relu"))
    with pytest.raises(TypeError, match="gelu"):
        ActivationGL(mlp((3, 4, 2), "gelu"))
    with pytest.raises(ValueError, match="hidden"):
        ActivationGL(mlp((3, 2), "leaky_relu"))
    wide = mlp((3, 4, 2), "leaky_relu", samples=6)
    group = wide.batch_symmetry()
    g = group.random_element(np.random.default_rng(0))
    w = wide.init(np.random.default_rng(0))
    with pytest.raises(DomainError, match="rank-deficient batch"):
        group.act(g, w)
    with pytest.raises(DomainError, match="rank"):
        group.generator(np.ones(group.dim), w)
    tanh = BY_NAME["activation-tanh"]
    scaled = tanh.group.exp(3 * np.eye(5).ravel())
    with pytest.raises(DomainError, match="range"):
        tanh.group.act(scaled, tanh.start())
    with pytest.raises(TypeError, match="linear"):
        group.moment_map(w)
    with pytest.raises(ValueError, match="unknown"):
        BY_NAME["activation-leaky"].group.act(
            BY_NAME["activation-leaky"].group.exp(np.full(50, 0.01)),
            {**BY_NAME["activation-leaky"].start(), "extra": np.ones(2)},
        )


def test_duplicate_samples_are_rank_deficient():
    loss = mlp((4, 5, 2), "leaky_relu", samples=2)
    twice = loss.batch([0, 0])
    group = twice.batch_symmetry()
    with pytest.raises(DomainError, match="rank 1"):
        group.act(group.exp(np.full(25, 0.01)), twice.init(np.random.default_rng(0)))
