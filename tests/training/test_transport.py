"""What a teleport does to the optimizer's state."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport.groups import GeneralLinear, HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import Booth
from liegroup_teleport.training import SGD, AdaGrad, Adam, LineSearch, RMSProp

INDEX = HiddenIndex(4, written=[("W1", 0)], read=[("W2", 1)])
RESCALING = PositiveRescaling([INDEX])
LINEAR = GeneralLinear([INDEX])


@pytest.fixture
def w(network_start):
    return network_start


@pytest.fixture
def gradients(w):
    rng = np.random.default_rng(5)
    return [{n: rng.normal(size=a.shape) for n, a in w.items()} for _ in range(4)]


def state_after(optimizer, w, gradients):
    state = optimizer.init(w)
    for gradient in gradients:
        _, state = optimizer.step(Booth(), w, 0.0, gradient, state)
    return state


def assert_close(a, b):
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-12)


@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, momentum=0.8), AdaGrad(0.1), RMSProp(0.1), Adam(0.1)], ids=repr
)
def test_diagonal_state_is_that_of_transformed_gradients(optimizer, w, gradients):
    g = RESCALING.random_element(np.random.default_rng(6), scale=1.5)
    moved, how = optimizer.transport(state_after(optimizer, w, gradients), RESCALING, g, w)
    there = [RESCALING.act_cotangent(g, w, v) for v in gradients]
    expected = state_after(optimizer, RESCALING.act(g, w), there)
    assert how == "transported"
    assert moved.count == expected.count
    for part in ("momentum", "second_moment"):
        if getattr(expected, part) is None:
            assert getattr(moved, part) is None
        else:
            assert_close(getattr(moved, part), getattr(expected, part))


def test_momentum_moves_exactly_under_any_linear_group(w, gradients):
    optimizer = SGD(0.1, momentum=0.8)
    g = LINEAR.random_element(np.random.default_rng(6))
    moved, how = optimizer.transport(state_after(optimizer, w, gradients), LINEAR, g, w)
    there = [LINEAR.act_cotangent(g, w, v) for v in gradients]
    assert how == "transported"
    assert_close(moved.momentum, state_after(optimizer, w, there).momentum)


@pytest.mark.parametrize("optimizer", [AdaGrad(0.1), RMSProp(0.1), Adam(0.1)], ids=repr)
def test_second_moments_are_kept_where_the_action_is_not_diagonal(optimizer, w, gradients):
    state = state_after(optimizer, w, gradients)
    g = LINEAR.random_element(np.random.default_rng(6))
    moved, how = optimizer.transport(state, LINEAR, g, w)
    assert how == "kept"
    assert moved.second_moment is state.second_moment
    if state.momentum is not None:
        assert_close(moved.momentum, LINEAR.act_cotangent(g, w, state.momentum))


def test_batch_groups_move_no_past_gradients(network, w, gradients):
    group = network.batch(np.arange(3)).batch_symmetry()
    g = group.random_element(np.random.default_rng(6), scale=0.1)
    for optimizer in (SGD(0.1, momentum=0.8), Adam(0.1)):
        state = state_after(optimizer, w, gradients)
        moved, how = optimizer.transport(state, group, g, w)
        assert moved is state
        assert how == "kept"


def test_line_search_begins_anew(w):
    state = LineSearch().init(w)
    moved, how = LineSearch().transport(state, RESCALING, RESCALING.identity(), w)
    assert moved.step_size is None
    assert how == "reset"


def test_no_state(w):
    state = SGD(0.1).init(w)
    assert SGD(0.1).transport(state, RESCALING, RESCALING.identity(), w) == (state, "none")


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.8), Adam(0.1)], ids=repr)
def test_nothing_is_mutated_and_float32_stays(optimizer, w, gradients):
    w = {n: a.astype(np.float32) for n, a in w.items()}
    gradients = [{n: v.astype(np.float32) for n, v in u.items()} for u in gradients]
    state = state_after(optimizer, w, gradients)
    for part in (w, state.momentum, state.second_moment or {}):
        for a in part.values():
            a.setflags(write=False)
    g = RESCALING.random_element(np.random.default_rng(6))
    moved, _ = optimizer.transport(state, RESCALING, g, w)
    for part in (moved.momentum, moved.second_moment or {}):
        assert all(a.dtype == np.float32 for a in part.values())
