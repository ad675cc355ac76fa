"""What the table counts, at reduced size: run by name, ``pytest tests/benchmarks``."""

import time

import numpy as np
import pytest

import liegroup_teleport as lt

from . import chain, counted, quadratic
from ._measure import Measurement, interleaved, time_limit


@pytest.mark.parametrize(("rate", "radius"), [(0.1, None), (1.0, 3.0)])
def test_predicted_decrease_counts_its_products(rate, radius):
    found, counts = counted.count_decrease(rate, radius, widths=(16, 12, 12, 5))
    assert counts == found.evaluations
    assert counts["gradient"] <= 2
    assert counts["hvp"] == 0
    assert counts["gauss_newton"] <= counted.EVALUATIONS
    assert found.objective_after > found.objective_before


@pytest.mark.parametrize("objective", [lt.ParameterNorm(), lt.GradientNorm()])
@pytest.mark.parametrize("widths", [(8, 8, 8, 3), (6,) * 7])
def test_balancing_of_scales_far_apart(objective, widths):
    loss, w = counted.spread(widths, 8.0)
    count, found = counted.newton_iterations(loss, w, objective, 30)
    assert found.status == "optimal"
    assert found.optimality <= counted.RESIDUAL
    assert counted.SWEEPS + count <= 50


def test_memory_of_a_large_quadratic_in_vectors():
    loss, w = quadratic.problem(200_000, 1.5)
    assert quadratic.peak_vectors(loss, w) <= 40


def test_chain_reaches_the_schatten_norm_of_the_product():
    loss, w = chain.chain(4, 8)
    found = chain.minimum(loss, w)
    gradients = list(loss.gradient(w).values())
    np.testing.assert_allclose(found.objective_after, chain.infimum(gradients), rtol=1e-6)


def test_derivatives_given_to_pymanopt():
    rng = np.random.default_rng(0)
    factors = chain._Factors([rng.standard_normal((4, 4)) for _ in range(4)])
    S = [np.eye(4) + 0.1 * m for m in range(3)]
    D = [a + a.T for a in rng.standard_normal((3, 4, 4))]
    step = 1e-5
    ahead = [s + step * d for s, d in zip(S, D, strict=True)]
    behind = [s - step * d for s, d in zip(S, D, strict=True)]
    slope = sum(float((a * d).sum()) for a, d in zip(factors.gradient(*S), D, strict=True))
    difference = (factors.cost(*ahead) - factors.cost(*behind)) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-7)
    for a, b, bent in zip(
        factors.gradient(*ahead), factors.gradient(*behind), factors.hessian(*S, *D), strict=True
    ):
        np.testing.assert_allclose((a - b) / (2 * step), bent, atol=1e-8)


def test_measurements_keep_or_miss_their_threshold():
    assert Measurement("", 1.0).reached is None
    assert Measurement("", 1.0, at_most=1.0).reached
    assert not Measurement("", float("inf"), at_most=1.0).reached
    assert not Measurement("", 19.0, at_least=20.0).reached
    assert not Measurement("", float("nan"), at_least=20.0).reached


def test_interleaved_runs_every_function_in_turn():
    calls = []
    seconds = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3  # one round to warm up
    assert set(seconds) == {"a", "b"}


def test_time_limit():
    with pytest.raises(TimeoutError, match=r"no result within 0\.05 s"):
        wait(0.05)


def wait(limit):
    with time_limit(limit):
        start = time.process_time()
        while time.process_time() - start < 10 * limit:
            pass
