"""Objectives: values from their definitions, slopes from finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import GradientNorm, LineSearchDecrease, ParameterNorm, PredictedDecrease
from liegroup_teleport.losses import from_function
from liegroup_teleport.orbit import Preconditioner, landscape
from liegroup_teleport.orbit._compressed import compress
from liegroup_teleport.orbit._lanczos import largest_eigenvalue
from tests.groups.all_groups import ALL, BY_NAME, LINEAR


def moments(shapes, seed=5):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.1, 2, size=shape) for name, shape in shapes.items()}


def objectives(case):
    s = moments(case.shapes)
    return {
        "gradient": GradientNorm(),
        "parameters": ParameterNorm(),
        "predicted": PredictedDecrease(0.05),
        "line-search": LineSearchDecrease(),
        "adagrad": PredictedDecrease(0.05, Preconditioner(s, 1.0, 1.0, 1e-8)),
        "adam": PredictedDecrease(0.05, Preconditioner(s, 0.9, 0.1, 1e-2)),
    }


NAMES = ["gradient", "parameters", "predicted", "line-search", "adagrad", "adam"]


def build(case, name, seed=0):
    w = case.start(seed)
    gradient = case.loss.gradient(w)
    return landscape(case.loss, case.group, objectives(case)[name], w, gradient), w


def definition(case, name, g, w):
    """The objective at ``g . w`` with the gradient and the products computed there."""
    group = case.group
    loss = group.act_on_loss(g, case.loss)
    point = group.act(g, w)
    dot = lambda a, b: sum(float(np.vdot(a[n], b[n])) for n in a)  # noqa: E731
    if name == "parameters":
        return dot(point, point)
    v = loss.gradient(point)
    if name == "gradient":
        return dot(v, v)
    p = v
    state = getattr(objectives(case)[name], "optimizer_state", None)
    if state is not None:
        s = dict(state.second_moment)
        if group.diagonal:
            ones = {n: np.ones_like(a) for n, a in s.items()}
            factor = group.act_cotangent(g, ones, ones)
            s = {n: s[n] * factor[n] ** 2 for n in s}
        p = {
            n: v[n] / (np.sqrt(state.decay * s[n] + state.weight * v[n] ** 2) + state.epsilon)
            for n in v
        }
    vp, pBp = dot(v, p), dot(p, loss.gauss_newton_product(point, p))
    if name == "line-search":
        return vp**2 / pBp / 2
    return 0.05 * vp - 0.05**2 * pBp / 2


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
@pytest.mark.parametrize("name", NAMES)
def test_value_and_slope(case, name):
    field, w = build(case, name)
    group = case.group
    rng = np.random.default_rng(1)
    # over the linear groups at least a hundred random elements for every objective
    for _ in range(15 if group.linear else 3):
        g = group.random_element(rng, case.scale * 0.5)
        y = rng.normal(size=group.dim)
        y /= np.linalg.norm(y)
        value, slope = field.slope(g)
        assert value == pytest.approx(definition(case, name, g, w), rel=1e-9)
        assert field.value(g) == pytest.approx(value, rel=1e-12)

        def f(t, g=g, y=y):
            return field.value(group.compose(group.exp(t * y), g))

        errors = []
        for t in (1e-3, 1e-4, 1e-2):  # a kink may be close
            numeric = (8 * (f(t) - f(-t)) - (f(2 * t) - f(-2 * t))) / (12 * t)
            size = max(abs(numeric), np.linalg.norm(slope), 1e-3 * abs(value))
            errors.append(abs(float(slope @ y) - numeric) / size)
        assert min(errors) < (1e-7 if group.linear else 1e-6)
        score, scaled = field.score(g)
        if field.logarithmic:
            size = getattr(field, "size", 1.0) ** 2
            assert score == pytest.approx(np.log(value / size), abs=1e-10)
            np.testing.assert_allclose(scaled, slope / value, rtol=1e-9, atol=1e-12)
        else:  # searched in another, increasing scale
            assert np.isfinite(score)
            assert float(scaled @ slope) >= 0


def test_one_gradient_serves_the_search():
    case = BY_NAME["rescaling-relu"]
    calls = []
    loss = from_function(case.loss.value, lambda w: calls.append(1) or case.loss.gradient(w))
    w = case.start()
    gradient = case.loss.gradient(w)
    field = landscape(loss, case.group, GradientNorm(), w, gradient)
    field.slope(case.group.random_element(np.random.default_rng(0)))
    assert not calls


@pytest.mark.parametrize("case", LINEAR, ids=lambda case: case.name)
@pytest.mark.parametrize("dual", [True, False])
def test_compression_keeps_norms_and_moments(case, dual):
    group = case.group
    v = case.start(3)
    small = compress(group, v)
    move = group.act_cotangent if dual else group.act
    rng = np.random.default_rng(0)
    for _ in range(5):
        g = group.random_element(rng, 2.0)
        full = move(g, v, v) if dual else move(g, v)
        less = move(g, small, small) if dual else move(g, small)
        for name in v:
            assert np.linalg.norm(less[name]) == pytest.approx(
                np.linalg.norm(full[name]), rel=1e-12
            )
        np.testing.assert_allclose(
            group.moment_map(less), group.moment_map(full), rtol=1e-10, atol=1e-10
        )
    assert all(small[name].size <= v[name].size for name in v)


def test_compression_makes_wide_arrays_small():
    from liegroup_teleport.groups import GeneralLinear, HiddenIndex, PositiveRescaling

    index = HiddenIndex(3, written=[("W1", 0)], read=[("W2", 1)])
    rng = np.random.default_rng(0)
    v = {"W1": rng.normal(size=(3, 500)), "W2": rng.normal(size=(400, 3)), "b2": np.ones(400)}
    for kind, sizes in ((PositiveRescaling, (3, 3)), (GeneralLinear, (9, 9))):
        small = compress(kind([index]), v)
        assert (small["W1"].size, small["W2"].size, small["b2"].size) == (*sizes, 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_lanczos_against_dense(seed, n):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(n, n))
    M = M + M.T
    if seed == 4:
        M -= 30 * np.eye(n)  # all negative: the algebraically largest, not the largest
    start = {"a": rng.normal(size=n)}
    found, _ = largest_eigenvalue(lambda u: {"a": M @ u["a"]}, start, tol=1e-10, max_iterations=60)
    exact = np.linalg.eigvalsh(M)[-1]
    assert found == pytest.approx(exact, rel=1e-8, abs=1e-10)
    rough, _ = largest_eigenvalue(lambda u: {"a": M @ u["a"]}, start)
    assert rough >= exact - 1e-9 * abs(exact) or rough == pytest.approx(exact, rel=2e-3)


def test_lanczos_stops_once_it_knows_enough():
    M = np.diag(np.arange(1.0, 101.0))
    calls = []

    def product(u):
        calls.append(1)
        return {"a": M @ u["a"]}

    start = {"a": np.ones(100)}
    exact = largest_eigenvalue(product, start, tol=1e-8)[0]
    full = len(calls)
    calls.clear()
    assert largest_eigenvalue(product, start, tol=1e-8, enough=70.0)[0] > 70.0
    assert len(calls) < full / 2
    calls.clear()
    assert largest_eigenvalue(product, start, tol=1e-8, enough=101.0)[0] == exact
    assert len(calls) == full


def test_lanczos_from_zero():
    found, _ = largest_eigenvalue(lambda u: {"a": 3.0 * u["a"]}, {"a": np.zeros(4)})
    assert found == pytest.approx(3.0)


def test_errors():
    case = BY_NAME["rescaling-relu"]
    w = case.start()
    v = case.loss.gradient(w)
    with pytest.raises(ValueError, match="no learning rate"):
        landscape(case.loss, case.group, PredictedDecrease(), w, v)
    with pytest.raises(TypeError, match="objective"):
        landscape(case.loss, case.group, "norm", w, v)
    bare = from_function(case.loss.value, case.loss.gradient)
    for objective in (LineSearchDecrease(), PredictedDecrease(0.1)):
        with pytest.raises(TypeError, match="Gauss-Newton"):
            landscape(bare, case.group, objective, w, v)
    for rate in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="learning rate"):
            PredictedDecrease(rate)
