"""The reference has the faults of the published algorithm, and is otherwise what it says."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
published = pytest.importorskip("tests.benchmarks.published")


def problem(width, samples, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weights = [draw(width, width) / width**0.5 for _ in range(2)] + [draw(3, width) / width**0.5]
    return weights, draw(width, samples), draw(3, samples)


def moved(T, weights, inputs):
    states = published.hidden_states(weights, inputs)
    inverses = [torch.linalg.pinv(h) for h in states[:-1]]
    return published.first_order_action(T, weights, states, inverses)


def test_activation_inverse():
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(published.activation_inverse(published.activation(z)), z)


def test_identity_moves_the_weights():
    weights, inputs, targets = problem(12, 5)
    identity = moved([torch.zeros(12, 12, dtype=torch.float64)] * 2, weights, inputs)
    change = torch.linalg.norm(identity[0] - weights[0]) / torch.linalg.norm(weights[0])
    assert change > 0.1
    # the loss stays: what is lost is off the span of the batch
    np.testing.assert_allclose(
        float(published.value(identity, inputs, targets)),
        float(published.value(weights, inputs, targets)),
        rtol=1e-10,
    )


def test_identity_is_exact_where_the_batch_is_square():
    weights, inputs, _ = problem(8, 8)
    identity = moved([torch.zeros(8, 8, dtype=torch.float64)] * 2, weights, inputs)
    for a, b in zip(identity, weights, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8)


def test_first_order_action_changes_the_loss():
    weights, inputs, targets = problem(12, 5)
    before = float(published.value(weights, inputs, targets))
    direction = 0.02 * torch.ones(12, 12, dtype=torch.float64)
    changes = []
    for scale in (1.0, 0.5):
        after = published.value(moved([scale * direction] * 2, weights, inputs), inputs, targets)
        changes.append(abs(float(after) - before) / before)
    assert changes[0] > 1e-3
    assert changes[1] < changes[0]


def test_search_gains_and_drifts():
    found = published.teleport(*problem(16, 8), steps=4, length=0.3)
    assert found.gain > 0.1
    assert found.loss_change > 1e-4
    assert len(found.losses) == len(found.gradient_norms) == 5


def test_longer_step_gains_more():
    weights, inputs, targets = problem(6, 4)
    short = published.teleport(weights, inputs, targets, steps=1, length=1e-4)
    long = published.teleport(weights, inputs, targets, steps=1, length=2e-4)
    assert long.gradient_norms[-1] > short.gradient_norms[-1]
