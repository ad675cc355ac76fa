"""Booth and Rosenbrock: charts, derivatives, exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liegroup_teleport.losses import Booth, Loss, Rosenbrock
from liegroup_teleport.losses._base import gauss_newton_operator

each = pytest.mark.parametrize("loss", [Booth(), Rosenbrock()], ids=repr)
points = st.lists(st.floats(-3, 3), min_size=2, max_size=2).map(np.array)


def formula(loss, x, y):
    if isinstance(loss, Booth):
        return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2
    return 100 * (x * x - y) ** 2 + (x - 1) ** 2


@each
@given(p=points, v=points)
def test_derivatives(loss, p, v):
    w, d = {"w": p}, {"w": v}
    assert loss.value(w) == pytest.approx(formula(loss, *p), rel=1e-12, abs=1e-12)

    def richardson(f, t=1e-3):
        return (8 * (f(p + t * v) - f(p - t * v)) - (f(p + 2 * t * v) - f(p - 2 * t * v))) / (
            12 * t
        )

    slope = richardson(lambda q: loss.value({"w": q}))
    assert loss.gradient(w)["w"] @ v == pytest.approx(slope, rel=1e-7, abs=1e-6)
    numeric = richardson(lambda q: loss.gradient({"w": q})["w"])
    np.testing.assert_allclose(loss.hvp(w, d)["w"], numeric, rtol=1e-7, atol=1e-6)
    Jv = richardson(loss.chart)
    np.testing.assert_allclose(loss.jacobian(p) @ v, Jv, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(
        loss.gauss_newton_product(w, d)["w"], 2 * loss.jacobian(p).T @ Jv, rtol=1e-7, atol=1e-5
    )
    z = loss.chart(p)
    np.testing.assert_allclose(loss.inverse_chart(z), p, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        loss.inverse_jacobian(z) @ loss.jacobian(p), np.eye(2), rtol=0, atol=1e-11
    )


@each
def test_exact_on_fractions(loss):
    half, third = Fraction(1, 2), Fraction(-1, 3)
    p, v = np.array([half, third], dtype=object), np.array([third, half], dtype=object)
    z = loss.chart(p)
    assert list(loss.inverse_chart(z)) == [half, third]
    product = loss.inverse_jacobian(z) @ loss.jacobian(p)
    assert product.tolist() == [[1, 0], [0, 1]]
    assert loss.value({"w": p}) == formula(loss, half, third)
    for f in (loss.hvp, loss.gauss_newton_product):
        assert all(isinstance(a, Fraction) for a in f({"w": p}, {"w": v})["w"])


@each
def test_symbolic(loss):
    sp = pytest.importorskip("sympy")
    w = {"w": np.array(sp.symbols("x y"), dtype=object)}
    v = {"w": np.array(sp.symbols("u v"), dtype=object)}
    value = loss.value(w)
    assert sp.expand(value - formula(loss, *w["w"])) == 0
    for i, s in enumerate(w["w"]):
        g = loss.gradient(w)["w"][i]
        assert sp.expand(g - sp.diff(value, s)) == 0
        hv = sum(sp.diff(g, t) * d for t, d in zip(w["w"], v["w"], strict=True))
        assert sp.expand(loss.hvp(w, v)["w"][i] - hv) == 0


@each
def test_dtypes_and_torch(loss):
    p, v = np.array([0.5, -2.0]), np.array([1.5, 0.25])
    methods = (loss.hvp, loss.gauss_newton_product, lambda w, v: loss.gradient(w))
    maps = (loss.chart, loss.inverse_chart, loss.jacobian, loss.inverse_jacobian)
    for f in methods:
        single = f({"w": p.astype(np.float32)}, {"w": v.astype(np.float32)})["w"]
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, f({"w": p}, {"w": v})["w"], rtol=1e-5)
    assert all(f(p.astype(np.float32)).dtype == np.float32 for f in maps)
    torch = pytest.importorskip("torch")
    tp, tv = torch.tensor(p, requires_grad=True), torch.tensor(v)
    for f in methods:
        result = f({"w": tp}, {"w": tv})["w"]
        assert isinstance(result, torch.Tensor)
        assert result.dtype == torch.float64
        np.testing.assert_allclose(result.numpy(), f({"w": p}, {"w": v})["w"], rtol=1e-14)
    for f in maps:
        np.testing.assert_allclose(f(tp.detach()).numpy(), f(p), rtol=1e-14)
    x = formula(loss, tp[0], tp[1])
    assert loss.value({"w": tp}) == pytest.approx(float(x.detach()))
    np.testing.assert_allclose(
        torch.autograd.grad(x, tp)[0].numpy(), loss.gradient({"w": p})["w"], rtol=1e-13
    )


@each
def test_values(loss):
    minimum = np.array([1.0, 3.0]) if isinstance(loss, Booth) else np.ones(2)
    assert loss.value({"w": minimum}) == 0.0
    assert loss == type(loss)()
    assert hash(loss) == hash(type(loss)())
    assert isinstance(loss, Loss)
    assert loss.lower_bound == 0.0
    assert loss.shapes == {"w": (2,)}
    w = {"w": np.arange(4.0)[::2]}
    product = gauss_newton_operator(loss, w)
    np.testing.assert_array_equal(product(w)["w"], loss.gauss_newton_product(w, w)["w"])
    np.testing.assert_array_equal(w["w"], [0.0, 2.0])


@each
def test_bad_parameters(loss):
    with pytest.raises(ValueError, match="unknown"):
        loss.value({"v": np.ones(2)})
    with pytest.raises(ValueError, match=r"\(3,\)"):
        loss.gradient({"w": np.ones(3)})
    with pytest.raises(ValueError, match="missing"):
        loss.hvp({"w": np.ones(2)}, {"v": np.ones(2)})


@each
def test_symmetry(loss):
    groups = pytest.importorskip("liegroup_teleport.groups", exc_type=ImportError)
    if not hasattr(groups, "ChartRotation"):
        pytest.skip("no ChartRotation")
    assert isinstance(loss.symmetry(), groups.ChartRotation)
