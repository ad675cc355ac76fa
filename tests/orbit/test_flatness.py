"""Sharpness, perturbed loss and curvature of the orbit against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import (
    OrbitCurvature,
    PerturbedLoss,
    Sharpness,
    UnboundedOrbitError,
    teleport,
)
from liegroup_teleport.losses import Booth, Rosenbrock
from liegroup_teleport.orbit import landscape
from tests.groups.all_groups import BY_NAME, LINEAR

OBJECTIVES = [
    Sharpness(probes=400),
    Sharpness("largest", accuracy=1e-12),
    PerturbedLoss(radii=(0.1, 0.3), directions=3),
    OrbitCurvature(directions=3),
]


def flat(v):
    return np.concatenate([np.asarray(a).ravel() for a in v.values()])


def unflat(x, like):
    ends = np.cumsum([a.size for a in like.values()])[:-1]
    return {
        n: p.reshape(a.shape) for (n, a), p in zip(like.items(), np.split(x, ends), strict=True)
    }


def dense_gauss_newton(loss, w):
    n = sum(a.size for a in w.values())
    columns = [flat(loss.gauss_newton_product(w, unflat(e, w))) for e in np.eye(n)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("case", LINEAR, ids=lambda case: case.name)
def test_sharpness_against_the_dense_matrix(case):
    w = case.start(0)
    gradient = case.loss.gradient(w)
    g = case.group.random_element(np.random.default_rng(1), 0.7)
    B = dense_gauss_newton(case.loss, case.group.act(g, w))
    trace = landscape(case.loss, case.group, Sharpness(probes=400), w, gradient)
    assert trace.value(g) == pytest.approx(np.trace(B), rel=1e-9)
    largest = landscape(case.loss, case.group, Sharpness("largest", accuracy=1e-12), w, gradient)
    assert largest.value(g) == pytest.approx(np.linalg.eigvalsh(B)[-1], rel=1e-9)


def test_fewer_probes_are_below_and_positive():
    case = BY_NAME["rescaling-relu"]
    w = case.start(0)
    exact = np.trace(dense_gauss_newton(case.loss, w))
    for probes in (1, 3, 10):
        field = landscape(case.loss, case.group, Sharpness(probes=probes), w, case.loss.gradient(w))
        assert 0 < field.value(case.group.identity()) <= exact * (1 + 1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
@pytest.mark.parametrize("name", ["rescaling-relu", "gl-bias", "product"])
def test_slopes(name, objective):
    case = BY_NAME[name]
    group, w = case.group, case.start(0)
    field = landscape(case.loss, group, objective, w, case.loss.gradient(w))
    rng = np.random.default_rng(2)
    for _ in range(3):
        g = group.random_element(rng, 0.4)
        y = rng.normal(size=group.dim)
        y /= np.linalg.norm(y)
        _, slope = field.slope(g)
        t = 1e-3
        f = [field.value(group.compose(group.exp(s * t * y), g)) for s in (-2, -1, 1, 2)]
        numeric = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * t)
        assert float(slope @ y) == pytest.approx(numeric, rel=1e-5, abs=1e-6 * abs(f[0]))


def test_perturbed_loss_is_the_mean_over_displacements():
    case = BY_NAME["rescaling-relu"]
    w = case.start(0)
    objective = PerturbedLoss(radii=(1e-9,), directions=4)
    field = landscape(case.loss, case.group, objective, w, case.loss.gradient(w))
    g = case.group.random_element(np.random.default_rng(0))
    assert field.value(g) == pytest.approx(case.loss.value(w), rel=1e-6)


def test_curvature_of_a_known_curve():
    # one unit, w = (a, b): exp(tM) w = (a e^t, b e^-t), an hyperbola
    case = BY_NAME["rescaling-width-1"]
    w = case.start(0)
    field = landscape(case.loss, case.group, OrbitCurvature(), w, case.loss.gradient(w))
    t = 1e-4
    curve = [flat(case.group.act(np.exp(np.array([s * t])), w)) for s in (-1, 0, 1)]
    first = (curve[2] - curve[0]) / (2 * t)
    second = (curve[2] - 2 * curve[1] + curve[0]) / t**2
    square = (first @ first) * (second @ second) - (first @ second) ** 2
    expected = np.sqrt(square) / np.linalg.norm(first) ** 3
    assert field.value(case.group.identity()) == pytest.approx(expected, rel=1e-6)


def test_the_flattest_point_of_an_orbit_is_proved():
    case = BY_NAME["rescaling-leaky-bias"]
    w = case.start(0)
    result = teleport(case.loss, case.group, w, Sharpness(probes=400))
    assert result.status == "optimal"
    assert result.bound == pytest.approx(result.objective_after, rel=1e-8)
    exact = np.trace(dense_gauss_newton(case.loss, result.params))
    assert result.objective_after == pytest.approx(exact, rel=1e-8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = case.group.act(case.group.random_element(rng, 0.5), result.params)
        assert np.trace(dense_gauss_newton(case.loss, other)) >= exact * (1 - 1e-9)


@pytest.mark.parametrize("sense", ["min", "max"])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_both_senses_within_a_radius(objective, sense):
    case = BY_NAME["rescaling-relu"]
    w = case.start(1)
    result = teleport(
        case.loss, case.group, w, objective, sense=sense, radius=0.5, max_iterations=60
    )
    sign = 1 if sense == "max" else -1
    assert sign * result.objective_after >= sign * result.objective_before
    assert case.group.distance(result.element) <= 0.5 * (1 + 1e-6)
    assert result.drift <= result.allowed_drift


def test_stability_bounds_them_too():
    case = BY_NAME["rescaling-relu"]
    w = case.start(1)
    result = teleport(
        case.loss, case.group, w, Sharpness(probes=400), sense="max", radius=3.0,
        stability=(1e-3, 1.0),
    )  # fmt: skip
    B = dense_gauss_newton(case.loss, result.params)
    assert result.status in ("boundary", "identity")
    assert np.all(np.isfinite(B))


@pytest.mark.parametrize("loss", [Booth(), Rosenbrock()], ids=repr)
@pytest.mark.parametrize("measure", ["trace", "largest"])
def test_charts(loss, measure):
    w = {"w": np.array([-1.0, 2.0])}
    result = teleport(loss, loss.symmetry(), w, Sharpness(measure, accuracy=1e-10))
    B = dense_gauss_newton(loss, result.params)
    exact = np.trace(B) if measure == "trace" else np.linalg.eigvalsh(B)[-1]
    assert result.objective_after == pytest.approx(exact, rel=1e-8)
    assert result.objective_after <= result.objective_before


def test_errors():
    with pytest.raises(ValueError, match="measure is 'sharp'; expected 'trace' or 'largest'"):
        Sharpness("sharp")
    with pytest.raises(ValueError, match="probes is 0"):
        Sharpness(probes=0)
    with pytest.raises(ValueError, match="radii"):
        PerturbedLoss(radii=(-1.0,))
    with pytest.raises(ValueError, match="directions"):
        OrbitCurvature(directions=0)
    case = BY_NAME["rescaling-relu"]
    with pytest.raises(UnboundedOrbitError, match="Sharpness"):
        teleport(case.loss, case.group, case.start(), Sharpness(), sense="max")
    with pytest.raises(TypeError, match="OrbitCurvature needs a linear action"):
        teleport(Booth(), Booth().symmetry(), {"w": np.ones(2)}, OrbitCurvature())
